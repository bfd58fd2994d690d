// SPDX-License-Identifier: GPL-3.0-or-later
/* What follows the preface, to a whole server: it must answer or close, and never crash. */
#include "fuzz_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    char *bytes = malloc(sizeof start - 1 + size);
    memcpy(bytes, start, sizeof start - 1);
    if (size)
        memcpy(bytes + sizeof start - 1, data, size);
    fuzz_server_send(text_make(bytes, sizeof start - 1 + size), SIZE_MAX);
    free(bytes);
    return 0;
}
