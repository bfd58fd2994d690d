// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/response.h"
#include "base/mem.h"
#include "tap.h"

#include <string.h>

static const struct http_limits limits = {
    .max_header_bytes = 1024, .max_fields = 10, .max_target_bytes = 64};
static struct arena *arena;

/* On the heap, exactly as long, so that asan sees a step too far. */
static int read_as(enum http_method asked, struct text bytes, struct http_response *ret,
                   size_t *ret_consumed, const char **ret_why)
{
    struct http_parser parser;
    char *copy = mem_dup(bytes.data, bytes.size);
    http_parser_init(&parser);
    int result = http_response_read(&parser, text_make(copy, bytes.size), &limits, asked, arena,
                                    ret, ret_consumed, ret_why);
    mem_free(copy);
    return result;
}

#define OK_1_1 "HTTP/1.1 200 OK\r\n"
#define ROW(literal, claim)       \
    {                             \
        TEXT_INIT(literal), claim \
    }
static const struct {
    struct text bytes;
    const char *claim;
} refused[] = {
    ROW("HTTP/1.1 200 OK\n\n", "bare LF"),
    ROW(OK_1_1 "X: 1\n\r\n", "one bare LF among good lines"),
    ROW(OK_1_1 "X: a\rb\r\n\r\n", "bare CR in a value"),
    ROW(OK_1_1 "X: a\0b\r\n\r\n", "NUL in a value"),
    ROW(OK_1_1 "X: a\r\n b\r\n\r\n", "a folded field"),
    ROW(OK_1_1 "X : a\r\n\r\n", "white space before a colon"),
    ROW(OK_1_1 ": a\r\n\r\n", "an empty name"),
    ROW(OK_1_1 "no colon\r\n\r\n", "a line without a colon"),
    ROW("\r\n" OK_1_1 "\r\n", "an empty line before the status line"),
    ROW("HTTP/2.0 200 OK\r\n\r\n", "another major version"),
    ROW("HTTP/1.2 200 OK\r\n\r\n", "another minor version"),
    ROW("http/1.1 200 OK\r\n\r\n", "lower case"),
    ROW("ICY 200 OK\r\n\r\n", "another protocol"),
    ROW("HTTP/1.1 20 OK\r\n\r\n", "a status of two digits"),
    ROW("HTTP/1.1 2000 OK\r\n\r\n", "a status of four digits"),
    ROW("HTTP/1.1 099 OK\r\n\r\n", "a status below 100"),
    ROW("HTTP/1.1 600 OK\r\n\r\n", "a status above 599"),
    ROW("HTTP/1.1  200 OK\r\n\r\n", "two spaces"),
    ROW("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "a protocol change"),
    ROW(OK_1_1 "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "Content-Length twice"),
    ROW(OK_1_1 "Content-Length: 1, 1\r\n\r\n", "Content-Length listed"),
    ROW(OK_1_1 "Content-Length: +1\r\n\r\n", "Content-Length with a sign"),
    ROW(OK_1_1 "Content-Length: 18446744073709551615\r\n\r\n", "Content-Length of 2^64-1"),
    ROW(OK_1_1 "Content-Length: 18446744073709551616\r\n\r\n", "Content-Length of 2^64"),
    ROW(OK_1_1 "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both framings"),
    ROW(OK_1_1 "Transfer-Encoding: gzip, chunked\r\n\r\n", "another transfer coding"),
    ROW(OK_1_1 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding twice"),
    ROW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 with chunks"),
    ROW("HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n",
        "an interim answer with a body"),
};

static void what_is_refused(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct http_response response = {.status = 7};
        size_t consumed = 0;
        const char *why = NULL;
        arena_reset(arena);
        int result = read_as(HTTP_METHOD_GET, refused[i].bytes, &response, &consumed, &why);
        OK(result == -1 && why && response.status == 7, refused[i].claim);
    }
}

static const struct {
    struct text bytes;
    enum http_method asked;
    enum http_framing framing;
    bool keeps_alive;
    const char *claim;
} framed[] = {
#define FRAMED(method, framing, keeps, literal, claim)                              \
    {                                                                               \
        TEXT_INIT(literal), HTTP_METHOD_##method, HTTP_BODY_##framing, keeps, claim \
    }
    FRAMED(GET, LENGTH, true, OK_1_1 "Content-Length: 5\r\n\r\n", "a length"),
    FRAMED(GET, NONE, true, OK_1_1 "Content-Length: 0\r\n\r\n", "a length of 0"),
    FRAMED(GET, CHUNKED, true, OK_1_1 "Transfer-Encoding: Chunked\r\n\r\n", "chunks"),
    FRAMED(GET, UNTIL_CLOSE, false, OK_1_1 "\r\n", "neither: until the connection ends"),
    FRAMED(GET, UNTIL_CLOSE, false, "HTTP/1.1 200\r\n\r\n", "no reason and no space"),
    FRAMED(GET, UNTIL_CLOSE, false, "HTTP/1.1 200 \r\n\r\n", "an empty reason"),
    FRAMED(HEAD, NONE, true, OK_1_1 "Content-Length: 5\r\n\r\n", "an answer to HEAD"),
    FRAMED(HEAD, NONE, true, OK_1_1 "Transfer-Encoding: chunked\r\n\r\n", "chunks told to HEAD"),
    FRAMED(GET, NONE, true, "HTTP/1.1 204 No Content\r\n\r\n", "204"),
    FRAMED(GET, NONE, true, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304"),
    FRAMED(GET, NONE, true, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "an interim answer"),
    FRAMED(GET, LENGTH, false, OK_1_1 "Content-Length: 5\r\nConnection: x, Close\r\n\r\n", "close"),
    FRAMED(GET, LENGTH, false, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.0"),
    FRAMED(GET, LENGTH, true,
           "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
           "HTTP/1.0 that stays"),
};

static void where_bodies_end(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(framed); i++) {
        struct http_response response = {0};
        size_t consumed = 0;
        const char *why = NULL;
        arena_reset(arena);
        int result = read_as(framed[i].asked, framed[i].bytes, &response, &consumed, &why);
        OK(result == 1 && consumed == framed[i].bytes.size &&
               response.framing == framed[i].framing &&
               response.keeps_alive == framed[i].keeps_alive,
           framed[i].claim);
    }
}

static void any_pieces(void)
{
    const struct text whole = TEXT(OK_1_1 "Content-Length: 5\r\nETag: \"a\"\r\n\r\nhello");
    struct http_parser parser;
    struct http_response response = {0};
    size_t consumed = 0, size = 0;
    const char *why = NULL;
    int result = 0;
    arena_reset(arena);
    http_parser_init(&parser);
    while (result == 0 && size < whole.size)
        result = http_response_read(&parser, text_make(whole.data, ++size), &limits,
                                    HTTP_METHOD_GET, arena, &response, &consumed, &why);
    OK(result == 1 && consumed == whole.size - 5 && size == consumed,
       "byte by byte, the header is whole with its last byte");
    OK_TEXT(http_response_field(&response, TEXT("etag")), TEXT("\"a\""), "fields are found");
    OK(!http_response_field(&response, TEXT("x")).data, "and absent ones are not");
}

static void limits_hold(void)
{
    struct buffer bytes;
    struct http_response response;
    size_t consumed;
    const char *why = NULL;
    buffer_init(&bytes, 65536);
    buffer_text(&bytes, TEXT(OK_1_1));
    for (int i = 0; i < 11; i++)
        buffer_text(&bytes, TEXT("X: 1\r\n"));
    OK(read_as(HTTP_METHOD_GET, buffer_view(&bytes), &response, &consumed, &why) == -1,
       "too many fields are refused before the header ends");
    buffer_reset(&bytes);
    buffer_text(&bytes, TEXT(OK_1_1 "X: "));
    for (int i = 0; i < 2000; i++)
        buffer_byte(&bytes, 'x');
    OK(read_as(HTTP_METHOD_GET, buffer_view(&bytes), &response, &consumed, &why) == -1,
       "and so is a header that is too long");
    buffer_reset(&bytes);
    buffer_text(&bytes, TEXT("HTTP/1.1 200 "));
    for (int i = 0; i < 200; i++)
        buffer_byte(&bytes, 'x');
    OK(read_as(HTTP_METHOD_GET, buffer_view(&bytes), &response, &consumed, &why) == -1,
       "and a reason that goes on and on");
    buffer_release(&bytes);
}

/* Gives `bytes` in pieces of `step`; what of the body came, and the last result. */
static int read_body(const struct http_response *response, struct text bytes, size_t step,
                     struct buffer *out, size_t *ret_left)
{
    struct http_body body;
    struct text piece = TEXT_NONE;
    int state = 0;
    http_body_init(&body, response);
    buffer_reset(out);
    for (size_t at = 0; at < bytes.size && state == 0; at += step) {
        size_t size = bytes.size - at < step ? bytes.size - at : step;
        struct text input = {bytes.data + at, size};
        do {
            state = http_body_next(&body, &input, &piece);
            buffer_append(out, piece.data, piece.size);
        } while (state == 0 && piece.size > 0);
        *ret_left = input.size;
    }
    return state ? state : http_body_may_end(&body) ? 2 : 0;
}

static void bodies(void)
{
    struct http_response response = {.framing = HTTP_BODY_CHUNKED};
    const struct text chunks = TEXT("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\nHTTP");
    struct buffer out;
    size_t left = 0;
    bool same = true;
    buffer_init(&out, 1024);
    for (size_t step = 1; step <= chunks.size; step++)
        same &= read_body(&response, chunks, step, &out, &left) == 1 &&
                text_equal(buffer_view(&out), TEXT("hello world"));
    OK(same, "chunks give the same body in pieces of any size");
    OK(left == 4, "and leave what follows");
    OK(read_body(&response, TEXT("5\r\nhel"), 99, &out, &left) == 0,
       "a body cut within a chunk has not ended");
    OK(read_body(&response, TEXT("5\r\nhello!\r\n"), 3, &out, &left) == -1,
       "a chunk longer than it says is malformed");
    response = (struct http_response){.framing = HTTP_BODY_LENGTH, .content_length = 5};
    OK(read_body(&response, TEXT("hello, next"), 4, &out, &left) == 1 && out.size == 5,
       "a body of stated length ends there");
    OK(read_body(&response, TEXT("hell"), 4, &out, &left) == 0, "and is cut before");
    response = (struct http_response){.framing = HTTP_BODY_UNTIL_CLOSE};
    OK(read_body(&response, TEXT("hell"), 4, &out, &left) == 2 && out.size == 4,
       "a body without framing may end with the connection");
    buffer_release(&out);
}

int main(void)
{
    arena = arena_new(1 << 16);
    what_is_refused();
    where_bodies_end();
    any_pieces();
    limits_hold();
    bodies();
    arena_free(&arena);
    return tap_done();
}
