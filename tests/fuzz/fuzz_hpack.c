// SPDX-License-Identifier: GPL-3.0-or-later
/* A header block reads the same with a memo and without; what is read is written, and reads the
 * same. */
#include "http/hpack.h"
#include <assert.h>

static char scratch[1 << 18], bare[1 << 18], again[1 << 18], out[1 << 18];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct huffman_memo
        *memo; /* of all inputs: what one remembers must not matter to others */
    struct hpack_reader one = {0}, two = {0}, three = {0};
    struct hpack_writer writer;
    struct hpack_field field, same;
    hpack_reader_init(&one), hpack_reader_init(&two), hpack_reader_init(&three),
        hpack_writer_init(&writer);
    one.memo = memo = memo ? memo : huffman_memo_new((struct hash_key){1, 2});
    for (int i = 0, more = 1; i < 2; i++, more = 1) {
        struct text block = {(const char *)data, size < 1 << 16 ? size : 1 << 16}, rest = block,
                    written = {out, 0};
        for (hpack_reader_start(&one), hpack_reader_start(&three); more > 0;) {
            more = hpack_next(&one, &block, scratch, &field);
            assert(hpack_next(&three, &rest, bare, &same) == more && rest.size == block.size);
            assert(more <= 0 ||
                   (text_equal(same.name, field.name) && text_equal(same.value, field.value)));
            written.size = more <= 0
                               ? 0
                               : (size_t)(hpack_write(&writer, hpack_write_start(&writer, out),
                                                      field.name, field.value) -
                                          out);
            hpack_reader_start(&two), written.data = out;
            assert(more <= 0 || (hpack_next(&two, &written, again, &same) == 1 &&
                                 text_equal(same.value, field.value)));
        }
    }
    return hpack_reader_release(&one), hpack_reader_release(&two), hpack_reader_release(&three),
           hpack_writer_release(&writer), 0;
}
