// SPDX-License-Identifier: GPL-3.0-or-later
/* A server's frames to our client, in pieces as long as the first byte says, with three streams
 * open; the second byte's bits pause them, and drop one in its own callback. */
#include "io/h2_client.h"
#include "fuzz_h2_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_from(text_make((const char *)data, size), 2);
    size_t step = size > 0 && data[0] > 0 ? data[0] : SIZE_MAX;
    struct h2_fuzz fuzz;
    h2_fuzz_begin(&fuzz, size > 1 ? data[1] : 0);
    while (rest.size > 0 && fuzz.h2 && !h2_client_is_broken(fuzz.h2)) {
        size_t part = rest.size < step ? rest.size : step;
        h2_client_feed(fuzz.h2, text_make(rest.data, part));
        h2_fuzz_between(&fuzz);
        rest = text_from(rest, part);
    }
    h2_fuzz_end(&fuzz);
    return 0;
}
