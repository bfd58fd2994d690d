// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/chunked.h"
#include "tap.h"

static const struct {
    struct text coded;
    int result; /* 1 whole, 0 more, -1 bad */
    struct text body, left;
    const char *claim;
} cases[] = {
#define ROW(coded, result, body, left, claim)                             \
    {                                                                     \
        TEXT_INIT(coded), result, TEXT_INIT(body), TEXT_INIT(left), claim \
    }
    ROW("0\r\n\r\n", 1, "", "", "an empty body"),
    ROW("5\r\nhello\r\n0\r\n\r\nGET", 1, "hello", "GET", "what follows is left"),
    ROW("1\r\na\r\n00000001\r\nb\r\nA\r\n0123456789\r\n0\r\n\r\n", 1, "ab0123456789", "",
        "several chunks"),
    ROW("a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", 1, "\r\n\r\n\r\n\r\n\r\n", "",
        "data may hold line ends"),
    ROW("1;ext=\"v\"\r\na\r\n0\r\n\r\n", 1, "a", "", "extensions are dropped"),
    ROW("1\r\na\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n", 1, "a", "", "trailers are dropped"),
    ROW("5\r\nhel", 0, "hel", "", "a body cut in data"),
    ROW("5", 0, "", "", "a body cut in a size"),
    ROW("0\r\n", 0, "", "", "a body without its end"),
    ROW("1\na\r\n0\r\n\r\n", -1, "", "", "bare LF after a size"),
    ROW("1\r\na\n0\r\n\r\n", -1, "", "", "bare LF after data"),
    ROW("1\r\nab\r\n0\r\n\r\n", -1, "", "", "data longer than its size"),
    ROW("\r\n\r\n", -1, "", "", "an empty size"),
    ROW("-1\r\na\r\n", -1, "", "", "a negative size"),
    ROW("0x1\r\na\r\n", -1, "", "", "a size with a prefix"),
    ROW(" 1\r\na\r\n", -1, "", "", "a size after a space"),
    ROW("1g\r\na\r\n", -1, "", "", "a size that is not hex"),
    ROW("00000000000000001\r\na", -1, "", "", "a size of 17 digits"),
    ROW("1;\x01\r\na", -1, "", "", "a control character in an extension"),
    ROW("1;a;b=c;d=\"e f;\"\r\na\r\n0;z\r\n\r\n", 1, "a", "", "several extensions"),
    ROW("1;a=\"b\";c\r\na\r\n0\r\n\r\n", 1, "a", "", "one behind a quoted value"),
    ROW("1 ;a\r\na\r\n", -1, "", "", "a blank before an extension"),
    ROW("1 \r\na\r\n", -1, "", "", "a blank after a size"),
    ROW("1;\r\na\r\n", -1, "", "", "an extension without a name"),
    ROW("1;=b\r\na\r\n", -1, "", "", "a value without a name"),
    ROW("1;a=\r\na\r\n", -1, "", "", "an extension that lacks its value"),
    ROW("1;a=b=c\r\na\r\n", -1, "", "", "two values"),
    ROW("1;a=\"b\"c\r\na\r\n", -1, "", "", "bytes behind a quoted value"),
    ROW("1;a=\"b\\\"\"\r\na\r\n", -1, "", "", "an escape in a quoted value"),
    ROW("1;a=\"b\r\na\r\n", -1, "", "", "a quoted value that does not end"),
    ROW("1;a/b\r\na\r\n", -1, "", "", "a name that is no token"),
    ROW("0\r\nX\r\n\r\n", -1, "", "", "a trailer without a colon"),
    ROW("0\r\n: x\r\n\r\n", -1, "", "", "a trailer without a name"),
    ROW("0\r\nX : x\r\n\r\n", -1, "", "", "a trailer with a blank in its name"),
    ROW("0\r\n folded\r\n\r\n", -1, "", "", "a folded trailer"),
    ROW("0\r\nX: 1\n\r\n", -1, "", "", "bare LF after a trailer"),
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= cases[i].coded.size; step += cases[i].coded.size - 1) {
            struct http_chunked chunked;
            struct buffer out;
            struct text rest = cases[i].coded;
            int result = 0;
            http_chunked_init(&chunked);
            buffer_init(&out, 4096);
            while (result == 0 && rest.size > 0) {
                struct text piece = {rest.data, step < rest.size ? step : rest.size};
                size_t given = piece.size;
                result = http_chunked_decode(&chunked, &piece, &out);
                rest = text_from(rest, given - piece.size);
            }
            OK(result == cases[i].result, cases[i].claim);
            if (result >= 0) {
                OK_TEXT(buffer_view(&out), cases[i].body, "its body");
                OK_TEXT(rest, cases[i].left, "and what is left");
            }
            buffer_release(&out);
            if (cases[i].coded.size == 1)
                break;
        }
    }
    struct http_chunked chunked;
    struct buffer out;
    http_chunked_init(&chunked);
    buffer_init(&out, 4);
    struct text input = TEXT("5\r\nhello\r\n0\r\n\r\n");
    OK(http_chunked_decode(&chunked, &input, &out) == 1 && out.overflowed,
       "a body past its limit shows");
    buffer_release(&out);
    http_chunked_init(&chunked);
    buffer_init(&out, 4);
    int result = 0;
    for (int i = 0; i < 300 && result == 0; i++) {
        input = i == 0 ? TEXT("1;") : TEXT("x");
        result = http_chunked_decode(&chunked, &input, &out);
    }
    OK(result == -1, "an endless extension is refused");
    buffer_release(&out);
    return tap_done();
}
