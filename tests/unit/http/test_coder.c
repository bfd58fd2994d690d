// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "http/coder.h"
#include "tap.h"

#include <brotli/decode.h>
#define ZLIB_CONST
#include <zlib.h>

enum { BODY_BYTES = 300000 };

/* Words by a small generator: text that packs about as an API answer does. */
static struct text make_body(char *room)
{
    uint32_t state = 1;
    for (size_t i = 0; i < BODY_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        room[i] = "{\"title\":\"aeiou lmnrst\",}"[(state >> 24) % 24];
    }
    return text_make(room, BODY_BYTES);
}

static size_t decode(enum http_coding coding, struct text coded, char *room, size_t room_bytes)
{
    if (coding == HTTP_CODING_BROTLI) {
        size_t size = room_bytes;
        return BrotliDecoderDecompress(coded.size, (const uint8_t *)coded.data, &size,
                                       (uint8_t *)room) == BROTLI_DECODER_RESULT_SUCCESS
                   ? size
                   : SIZE_MAX;
    }
    z_stream gzip = {.next_in = (const Bytef *)coded.data, .avail_in = (uInt)coded.size};
    gzip.next_out = (Bytef *)room;
    gzip.avail_out = (uInt)room_bytes;
    int result = inflateInit2(&gzip, 15 + 16);
    result = result == Z_OK ? inflate(&gzip, Z_FINISH) : result;
    size_t size = result == Z_STREAM_END ? gzip.total_out : SIZE_MAX;
    inflateEnd(&gzip);
    return size;
}

static bool decodes_to(enum http_coding coding, struct text coded, struct text body)
{
    char *room = mem_alloc(BODY_BYTES + 1);
    size_t size = decode(coding, coded, room, BODY_BYTES + 1);
    bool is_same = size == body.size && memcmp(room, body.data, size) == 0;
    mem_free(room);
    return is_same;
}

static void test_all_at_once(enum http_coding coding, struct text body)
{
    static const size_t sizes[] = {1, 2, 500, 512, 513, 1024, 5000, 32768, 32769, BODY_BYTES};
    bool all_decode = true;
    struct buffer out;
    buffer_init(&out, BODY_BYTES * 2);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        buffer_reset(&out);
        all_decode &= http_code(coding, text_make(body.data, sizes[i]), &out) &&
                      decodes_to(coding, buffer_view(&out), text_make(body.data, sizes[i]));
    }
    OK(all_decode, "bodies of every size come back as they were");
    OK(out.size < BODY_BYTES * 3 / 4, "and are smaller on the way");
    buffer_release(&out);
    buffer_init(&out, 100);
    OK(!http_code(coding, body, &out) && out.size == 0, "what does not fit is not half there");
    buffer_release(&out);
}

/* Input in steps of `in_bytes`, output through a buffer of `out_bytes`, emptied whenever full. */
static bool survives_steps(enum http_coding coding, struct text body, size_t in_bytes,
                           size_t out_bytes)
{
    struct http_coder *coder = http_coder_new(coding);
    struct buffer whole, small;
    bool is_done = false;
    buffer_init(&whole, BODY_BYTES * 2);
    buffer_init(&small, out_bytes);
    for (struct text left = body; !is_done;) {
        bool ends = left.size <= in_bytes;
        struct text part = text_make(left.data, ends ? left.size : in_bytes);
        left = text_from(left, part.size);
        while (!(is_done = http_coder_step(coder, &part, ends, &small))) {
            buffer_text(&whole, buffer_view(&small));
            buffer_reset(&small);
        }
        is_done = ends;
    }
    buffer_text(&whole, buffer_view(&small));
    bool is_same = !whole.overflowed && decodes_to(coding, buffer_view(&whole), body);
    http_coder_free(&coder);
    buffer_release(&whole);
    buffer_release(&small);
    return is_same;
}

int main(void)
{
    char *room = mem_alloc(BODY_BYTES);
    struct text body = make_body(room);
    for (enum http_coding coding = HTTP_CODING_GZIP; coding < HTTP_CODING_COUNT; coding++) {
        test_all_at_once(coding, body);
        OK(survives_steps(coding, body, 32768, 65536), "in steps it is the same body");
        OK(survives_steps(coding, body, 32768, 1), "through a buffer of one byte too");
        OK(survives_steps(coding, text_make(body.data, 3000), 1, 7), "byte by byte too");
        OK(survives_steps(coding, text_make(body.data, 0), 1, 7), "nothing becomes nothing");
        struct http_coder *coder = http_coder_new(coding);
        http_coder_free(&coder);
        OK(coder == NULL, "one that was never used goes without a trace");
    }
    mem_free(room);
    return tap_done();
}
