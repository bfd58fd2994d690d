// SPDX-License-Identifier: GPL-3.0-or-later
/* A header block, read twice with one table; what is read is written, and reads the same. */
#include "http/hpack.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char scratch[1 << 18], again[1 << 18], out[1 << 18];
    struct hpack_reader one = {0}, two = {0};
    struct hpack_writer writer;
    struct hpack_field field, same;
    hpack_reader_init(&one), hpack_reader_init(&two), hpack_writer_init(&writer);
    for (int i = 0; i < 2; i++) {
        struct text block = {(const char *)data, size < 1 << 16 ? size : 1 << 16},
                    written = {out, 0};
        for (hpack_reader_start(&one); hpack_next(&one, &block, scratch, &field) > 0;) {
            char *at = hpack_write_start(&writer, out);
            written.size = (size_t)(hpack_write(&writer, at, field.name, field.value) - out);
            hpack_reader_start(&two), written.data = out;
            assert(hpack_next(&two, &written, again, &same) == 1 &&
                   text_equal(same.value, field.value));
        }
    }
    return hpack_reader_release(&one), hpack_reader_release(&two), hpack_writer_release(&writer), 0;
}
