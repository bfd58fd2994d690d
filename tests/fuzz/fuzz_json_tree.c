// SPDX-License-Identifier: GPL-3.0-or-later
/* Differential: our reader against jansson. */
#include "../unit/base/json_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!peer_agrees(text_make((const char *)data, size)))
        __builtin_trap();
    return 0;
}
