// SPDX-License-Identifier: GPL-3.0-or-later
/* Frames to a whole server, after HTTP/2's preface, in pieces as long as the first byte says: it
 * must answer or close, and never crash. */
#include "fuzz_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX / 2);
    buffer_append(&bytes, start, sizeof start);
    buffer_text(&bytes, text_from(text_make((const char *)data, size), 1));
    fuzz_server_send(buffer_view(&bytes), size > 0 && data[0] > 0 ? data[0] : SIZE_MAX);
    buffer_release(&bytes);
    return 0;
}
