// SPDX-License-Identifier: GPL-3.0-or-later
/* Bytes to a whole server, in pieces as long as the first byte says: it must answer or close, and
 * never crash. */
#include "fuzz_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_server_send(text_from(text_make((const char *)data, size), 1),
                     size > 0 && data[0] > 0 ? data[0] : SIZE_MAX);
    return 0;
}
