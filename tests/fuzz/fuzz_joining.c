// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"
#include "trust/joining.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[INVITATION_DIGEST_BYTES], key[SIGNED_PUBLIC_BYTES];
    struct text input = text_make((const char *)data, size);
    struct joining_request request;
    struct joining_answer answer;
    struct delegation delegation;
    const char *why;
    struct arena *arena = arena_new(1 << 20);
    (void)!joining_request_read(input, TEXT(JOINING_JOIN), 1767225600, &request, &why);
    (void)!joining_request_read(input, TEXT(JOINING_RENEW), 1767225600, &request, &why);
    if (joining_answer_parse(input, arena, &answer)) {
        struct keyring *ring =
            joining_answer_verify(&answer, digest, key, 1767225600, &delegation, &why);
        keyring_unref(&ring);
    }
    arena_free(&arena);
    return 0;
}
