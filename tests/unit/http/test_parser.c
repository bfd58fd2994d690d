// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "base/mem.h"
#include "http/parser.h"
#include "tap.h"

#include <string.h>

static const struct http_limits limits = {
    .max_header_bytes = 2048, .max_fields = 20, .max_target_bytes = 512};
static struct arena *arena;

/* Reads `bytes` as a whole.  The bytes are copied to the heap exactly, so that asan sees a step too
 * far. */
static int read_whole(struct text bytes, struct http_request *ret, size_t *ret_consumed,
                      struct http_refusal *ret_why)
{
    struct http_parser parser;
    char *copy = mem_dup(bytes.data, bytes.size);
    http_parser_init(&parser);
    int result = http_parser_read(&parser, text_make(copy, bytes.size), &limits, arena, ret,
                                  ret_consumed, ret_why);
    mem_free(copy);
    return result;
}

static struct text bytes_of(const char *from, size_t size) { return text_make(from, size); }
#define BYTES(literal) bytes_of("" literal, sizeof(literal) - 1)

/* --- what is refused --- */
static const struct {
    struct text bytes;
    unsigned status;
    const char *claim;
} refused[] = {
#define GET_A "GET /a HTTP/1.1\r\nHost: h\r\n"
#define POST_A "POST /a HTTP/1.1\r\nHost: h\r\n"
#define ROW(status, literal, claim)       \
    {                                     \
        TEXT_INIT(literal), status, claim \
    }
    ROW(400, "GET /a HTTP/1.1\nHost: h\n\n", "bare LF"),
    ROW(400, GET_A "X: 1\n\r\n", "one bare LF among good lines"),
    ROW(400, GET_A "X: 1\r2\r\n\r\n", "bare CR in a value"),
    ROW(400, GET_A "X: 1\r\r\n\r\n", "CR CR LF"),
    ROW(400, GET_A "X: 1\0\r\n\r\n", "NUL in a value"),
    ROW(400, "GET /\0a HTTP/1.1\r\nHost: h\r\n\r\n", "NUL in the target"),
    ROW(400, GET_A "X: 1\r\n 2\r\n\r\n", "a folded field"),
    ROW(400, GET_A "X: 1\r\n\t2\r\n\r\n", "a field folded with a tab"),
    ROW(400, "GET /a HTTP/1.1\r\n Host: h\r\n\r\n", "white space before the first field"),
    ROW(400, GET_A "X : 1\r\n\r\n", "white space before a colon"),
    ROW(400, GET_A "X\x01: 1\r\n\r\n", "a control character in a name"),
    ROW(400, GET_A "X: \x01\r\n\r\n", "a control character in a value"),
    ROW(400, GET_A "X: \x7f\r\n\r\n", "DEL in a value"),
    ROW(400, GET_A ": 1\r\n\r\n", "an empty name"),
    ROW(400, GET_A "no colon\r\n\r\n", "a line without a colon"),
    ROW(400, "GET /a HTTP/1.1\r\n\r\n", "HTTP/1.1 without Host"),
    ROW(400, GET_A "Host: h\r\n\r\n", "Host twice, though equal"),
    ROW(400, GET_A "host: i\r\n\r\n", "Host twice"),
    ROW(400, "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", "a Host with a space"),
    ROW(400, "GET /a HTTP/1.1\r\nHost: u@h\r\n\r\n", "a Host with a user"),
    ROW(400, "GET /a HTTP/1.1\r\nHost:\r\n\r\n", "an empty Host"),
    ROW(400, "GET /a HTTP/1.1\r\nHost: h:99999\r\n\r\n", "a Host with a port too high"),
    ROW(400, "GET /a HTTP/1.1\r\nHost: h, i\r\n\r\n", "a Host list"),
    ROW(400, POST_A "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "both framings"),
    ROW(400, POST_A "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "two lengths"),
    ROW(400, POST_A "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", "two equal lengths"),
    ROW(400, POST_A "Content-Length: 3, 3\r\n\r\n", "a list of lengths"),
    ROW(400, POST_A "Content-Length: +3\r\n\r\n", "a signed length"),
    ROW(400, POST_A "Content-Length: -1\r\n\r\n", "a negative length"),
    ROW(400, POST_A "Content-Length: 0x3\r\n\r\n", "a hexadecimal length"),
    ROW(400, POST_A "Content-Length: 18446744073709551615\r\n\r\n",
        "the length that stands for none"),
    ROW(400, POST_A "Content-Length: 3 3\r\n\r\n", "a length with a space"),
    ROW(400, POST_A "Content-Length:\r\n\r\n", "an empty length"),
    ROW(400, POST_A "Content-Length: 99999999999999999999\r\n\r\n", "a length past 64 bits"),
    ROW(501, POST_A "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "two codings"),
    ROW(400, POST_A "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        "chunked and a zero length"),
    ROW(400, "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked under HTTP/1.0"),
    ROW(400, "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "two spaces in the request line"),
    ROW(400, "GET /a  HTTP/1.1\r\nHost: h\r\n\r\n", "two spaces before the version"),
    ROW(400, "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n", "a space after the version"),
    ROW(400, "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", "a tab for a space"),
    ROW(400, "GET /a\r\nHost: h\r\n\r\n", "HTTP/0.9"),
    ROW(400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "a space in the target"),
    ROW(400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", "bytes above ASCII in the target"),
    ROW(400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "a fragment in the target"),
    ROW(400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n", "a relative target"),
    ROW(400, "GET http://i/a HTTP/1.1\r\nHost: h\r\n\r\n", "an absolute target of another host"),
    ROW(400, "GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "an absolute target of another scheme"),
    ROW(400, "GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n", "an absolute target with a user"),
    ROW(400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "an asterisk without OPTIONS"),
    ROW(400, "\r\n\r\n\r\n\r\n", "nothing but empty lines"),
    ROW(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", "a TLS hello to a plain port"),
    ROW(501, POST_A "Transfer-Encoding: gzip, chunked\r\n\r\n", "a coding before chunked"),
    ROW(501, POST_A "Transfer-Encoding: xchunked\r\n\r\n", "a coding like chunked"),
    ROW(501, POST_A "Transfer-Encoding: chunked, identity\r\n\r\n", "a coding after chunked"),
    ROW(501, POST_A "Transfer-Encoding: identity\r\n\r\n", "identity"),
    ROW(501, "BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", "an unknown method"),
    ROW(501, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT"),
    ROW(501, "get /a HTTP/1.1\r\nHost: h\r\n\r\n", "a method in lower case"),
    ROW(505, "GET /a HTTP/2.0\r\nHost: h\r\n\r\n", "HTTP/2.0 in this syntax"),
    ROW(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "an HTTP/2 preface"),
    ROW(400, "GET /a HTTP/11\r\nHost: h\r\n\r\n", "a version without a dot"),
    ROW(400, "GET /a http/1.1\r\nHost: h\r\n\r\n", "a version in lower case"),
};

static void test_refused(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct http_request request;
        struct http_refusal why = {0};
        size_t consumed;
        char claim[128];
        snprintf(claim, sizeof claim, "%s: %u", refused[i].claim, refused[i].status);
        int result = read_whole(refused[i].bytes, &request, &consumed, &why);
        OK(result == -1 && why.status == refused[i].status && why.why, claim);
        if (result != -1 || why.status != refused[i].status)
            printf("# result %d status %u %s\n", result, why.status, why.why ? why.why : "");
        arena_reset(arena);
    }
}

/* --- what is read --- */
static void test_plain_request(void)
{
    struct http_request request;
    struct http_refusal why;
    size_t consumed;
    struct text bytes =
        BYTES("\r\nGET /a/%C3%A4?b=c&d HTTP/1.1\r\nHost: Music.Example:8080\r\nX-Empty:\r\n"
              "X-Padded: \t v w \t\r\naccept: \xe4\r\n\r\nrest");
    OK(read_whole(bytes, &request, &consumed, &why) == 1, "a plain request is read");
    OK(consumed == bytes.size - 4, "to its empty line and not further");
    OK(request.method == HTTP_METHOD_GET && request.version_major == 1 &&
           request.version_minor == 1,
       "method and version");
    OK_TEXT(request.target, TEXT("/a/%C3%A4?b=c&d"), "the target as received");
    OK_TEXT(request.path, TEXT("/a/\xc3\xa4"), "the path decoded");
    OK_TEXT(request.query, TEXT("b=c&d"), "the query raw");
    OK_TEXT(request.host, TEXT("music.example:8080"), "the host in lower case with its port");
    OK(request.field_count == 4, "every field");
    OK_TEXT(http_request_field(&request, TEXT("x-padded")), TEXT("v w"),
            "values are trimmed, names match in any case");
    struct text empty = http_request_field(&request, TEXT("X-Empty"));
    OK(empty.data && empty.size == 0, "an empty field is there");
    OK(!http_request_field(&request, TEXT("X-Absent")).data, "an absent one is not");
    OK_TEXT(http_request_field(&request, TEXT("Accept")), TEXT("\xe4"),
            "a value may hold bytes above ASCII");
    OK(request.keeps_alive && !request.has_body && request.content_length == 0,
       "it has no body and stays");
    arena_reset(arena);
}

static void test_framing(void)
{
    struct http_request request;
    struct http_refusal why;
    size_t consumed;
    OK(read_whole(BYTES(POST_A "Content-Length: 0042\r\n\r\n"), &request, &consumed, &why) == 1 &&
           request.has_body && request.content_length == 42,
       "a length with leading zeros");
    OK(read_whole(BYTES(POST_A "Transfer-Encoding: Chunked\r\n\r\n"), &request, &consumed, &why) ==
               1 &&
           request.has_body && request.content_length == UINT64_MAX,
       "chunked, in any case");
    OK(read_whole(BYTES(POST_A "\r\n"), &request, &consumed, &why) == 1 && !request.has_body,
       "no body");
    OK(read_whole(BYTES("GET http://H/a?b HTTP/1.1\r\nHost: h\r\n\r\n"), &request, &consumed,
                  &why) == 1,
       "an absolute target of the same host");
    OK_TEXT(request.path, TEXT("/a"), "gives its path");
    OK(read_whole(BYTES("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), &request, &consumed, &why) == 1,
       "OPTIONS may ask about the whole server");
    OK(read_whole(
           BYTES("GET /a HTTP/1.1\r\nHost: [::1]:80\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
           &request, &consumed, &why) == 1,
       "an upgrade is read as an ordinary request");
    OK(read_whole(BYTES("GET /a HTTP/1.0\r\n\r\n"), &request, &consumed, &why) == 1 &&
           !request.keeps_alive && !request.host.data,
       "HTTP/1.0 needs no Host and does not stay");
    OK(read_whole(BYTES("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), &request, &consumed,
                  &why) == 1 &&
           request.keeps_alive,
       "unless it asks to");
    OK(read_whole(BYTES(GET_A "Connection: te, close\r\n\r\n"), &request, &consumed, &why) == 1 &&
           !request.keeps_alive,
       "close in a list is heard");
    arena_reset(arena);
}

/* --- limits --- */
static void test_limits(void)
{
    struct http_request request;
    struct http_refusal why = {0};
    size_t consumed;
    struct buffer out;
    buffer_init(&out, 8192);
    buffer_printf(&out, "GET /%0600d", 0);
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == -1 && why.status == 414,
       "a long target is refused before its line ends");
    buffer_reset(&out);
    buffer_printf(&out, "GET /%0511d HTTP/1.1\r\nHost: h\r\n\r\n", 0);
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == 1,
       "a target at the limit is read");
    buffer_reset(&out);
    buffer_printf(&out, "GET /%0512d HTTP/1.1\r\nHost: h\r\n\r\n", 0);
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == -1 && why.status == 414,
       "one byte more is not");
    buffer_reset(&out);
    buffer_printf(&out, GET_A "X: %02048d", 0);
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == -1 && why.status == 431,
       "a long header is refused before it ends");
    buffer_reset(&out);
    buffer_printf(&out, GET_A);
    for (int i = 1; i < 20; i++)
        buffer_printf(&out, "X: 1\r\n");
    size_t size = out.size;
    buffer_printf(&out, "\r\n");
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == 1 && request.field_count == 20,
       "twenty fields are read");
    out.size = size;
    buffer_printf(&out, "X: 1\r\n\r\n");
    OK(read_whole(buffer_view(&out), &request, &consumed, &why) == -1 && why.status == 431,
       "one more is not");
    buffer_release(&out);
    struct arena *small = arena_new(64);
    struct http_parser parser;
    http_parser_init(&parser);
    OK(http_parser_read(&parser, BYTES(GET_A "\r\n"), &limits, small, &request, &consumed, &why) ==
               -1 &&
           why.status == 503,
       "an arena too small is 503");
    arena_free(&small);
    arena_reset(arena);
}

/* --- pieces --- */
static void test_every_split(void)
{
    struct text whole =
        BYTES("\r\nPOST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX: y\r\n\r\nabc");
    bool same = true, waits = true;
    for (size_t split = 0; split < whole.size - 3; split++) {
        struct http_parser parser;
        struct http_request request = {0};
        struct http_refusal why;
        size_t consumed = 0;
        http_parser_init(&parser);
        waits &= http_parser_read(&parser, text_make(whole.data, split), &limits, arena, &request,
                                  &consumed, &why) == 0;
        same &= http_parser_read(&parser, whole, &limits, arena, &request, &consumed, &why) == 1 &&
                consumed == whole.size - 3 && request.field_count == 3 &&
                request.content_length == 3;
        arena_reset(arena);
    }
    OK(waits, "a request cut anywhere is waited for");
    OK(same, "and then read the same as whole");
}

int main(void)
{
    arena = arena_new(1 << 16);
    test_refused();
    test_plain_request();
    test_framing();
    test_limits();
    test_every_split();
    arena_free(&arena);
    return tap_done();
}
