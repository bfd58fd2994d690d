// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/coder.h"

#include "base/mem.h"

#include <assert.h>
#include <brotli/encode.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    GZIP_LEVEL = 1,
    GZIP_WRAPPER = 16, /* added to the window: zlib writes RFC 1952 instead of RFC 1950 */
    GZIP_WINDOW_MIN = 9,
    GZIP_WINDOW_MAX = 15,
    BROTLI_QUALITY = 1,
    BROTLI_WINDOW = 18,
    OUTPUT_STEP_BYTES = 16 << 10,
};

struct http_coder {
    enum http_coding coding;
    z_stream gzip;
    BrotliEncoderState *brotli;
};

static voidpf zlib_alloc(voidpf context UNUSED, uInt count, uInt size)
{
    return mem_realloc_array(NULL, count, size);
}

static void zlib_free(voidpf context UNUSED, voidpf memory) { mem_free(memory); }

static void *brotli_alloc(void *context UNUSED, size_t size) { return mem_alloc(size); }

static void brotli_free(void *context UNUSED, void *memory) { mem_free(memory); }

/* A window no larger than the body: setting up the largest costs three times what coding 2 KB does.
 */
static void start_gzip(z_stream *gzip, size_t body_bytes)
{
    int window = GZIP_WINDOW_MIN;
    while (window < GZIP_WINDOW_MAX && (size_t)1 << window < body_bytes)
        window++;
    int memory = window - 7 < 1 ? 1 : window - 7;
    *gzip = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
    int result = deflateInit2(gzip, GZIP_LEVEL, Z_DEFLATED, window + GZIP_WRAPPER, memory,
                              Z_DEFAULT_STRATEGY);
    assert(result == Z_OK);
}

/* --- all at once --- */

static size_t gzip_all(struct text in, char *room, size_t room_bytes)
{
    z_stream gzip;
    start_gzip(&gzip, in.size);
    gzip.next_in = (const Bytef *)in.data;
    gzip.avail_in = (uInt)in.size;
    gzip.next_out = (Bytef *)room;
    gzip.avail_out = (uInt)room_bytes;
    int result = deflate(&gzip, Z_FINISH);
    size_t size = result == Z_STREAM_END ? gzip.total_out : 0;
    deflateEnd(&gzip);
    return size;
}

static size_t brotli_all(struct text in, char *room, size_t room_bytes)
{
    size_t size = room_bytes;
    bool is_done = BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_WINDOW, BROTLI_MODE_TEXT, in.size,
                                         (const uint8_t *)in.data, &size, (uint8_t *)room);
    return is_done ? size : 0;
}

bool http_code(enum http_coding coding, struct text in, struct buffer *out)
{
    assert(coding != HTTP_CODING_IDENTITY && in.size < UINT32_MAX / 2);
    size_t room_bytes = in.size + in.size / 4 + 128; /* neither can need more */
    char *room = buffer_reserve(out, room_bytes);
    if (!room)
        return false;
    size_t size = coding == HTTP_CODING_GZIP ? gzip_all(in, room, room_bytes)
                                             : brotli_all(in, room, room_bytes);
    out->size += size;
    return size > 0;
}

/* --- in steps --- */

struct http_coder *http_coder_new(enum http_coding coding)
{
    struct http_coder *coder = MEM_NEW(struct http_coder);
    coder->coding = coding;
    if (coding == HTTP_CODING_GZIP) {
        start_gzip(&coder->gzip, SIZE_MAX);
        return coder;
    }
    assert(coding == HTTP_CODING_BROTLI);
    coder->brotli = BrotliEncoderCreateInstance(brotli_alloc, brotli_free, NULL);
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_LGWIN, BROTLI_WINDOW);
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT);
    return coder;
}

void http_coder_free(struct http_coder **coder)
{
    if (!*coder)
        return;
    if ((*coder)->coding == HTTP_CODING_GZIP)
        deflateEnd(&(*coder)->gzip);
    if ((*coder)->brotli)
        BrotliEncoderDestroyInstance((*coder)->brotli);
    mem_free_p(coder);
}

/* One call of the library into `room`.  Returns what it wrote. */
static size_t step_gzip(z_stream *gzip, struct text *in, bool ends, char *room, size_t room_bytes,
                        bool *ret_done)
{
    uInt size = in->size < UINT32_MAX ? (uInt)in->size : UINT32_MAX;
    gzip->next_in = (const Bytef *)in->data;
    gzip->avail_in = size;
    gzip->next_out = (Bytef *)room;
    gzip->avail_out = (uInt)room_bytes;
    int result = deflate(gzip, ends && size == in->size ? Z_FINISH : Z_NO_FLUSH);
    assert(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    *in = text_from(*in, size - gzip->avail_in);
    *ret_done = ends ? result == Z_STREAM_END : in->size == 0 && gzip->avail_out > 0;
    return room_bytes - gzip->avail_out;
}

static size_t step_brotli(BrotliEncoderState *brotli, struct text *in, bool ends, char *room,
                          size_t room_bytes, bool *ret_done)
{
    size_t left = in->size, room_left = room_bytes;
    const uint8_t *next_in = (const uint8_t *)in->data;
    uint8_t *next_out = (uint8_t *)room;
    BROTLI_BOOL is_good = BrotliEncoderCompressStream(
        brotli, ends ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, &left, &next_in,
        &room_left, &next_out, NULL);
    assert(is_good);
    *in = text_from(*in, in->size - left);
    *ret_done = in->size == 0 &&
                (ends ? BrotliEncoderIsFinished(brotli) : !BrotliEncoderHasMoreOutput(brotli));
    return room_bytes - room_left;
}

bool http_coder_step(struct http_coder *coder, struct text *in, bool ends, struct buffer *out)
{
    bool is_done = false;
    while (!is_done && out->size < out->ceiling) {
        size_t left = out->ceiling - out->size;
        size_t room_bytes = left < OUTPUT_STEP_BYTES ? left : OUTPUT_STEP_BYTES;
        char *room = buffer_reserve(out, room_bytes);
        assert(room);
        out->size += coder->coding == HTTP_CODING_GZIP
                         ? step_gzip(&coder->gzip, in, ends, room, room_bytes, &is_done)
                         : step_brotli(coder->brotli, in, ends, room, room_bytes, &is_done);
    }
    return is_done;
}
