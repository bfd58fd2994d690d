// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/accept_encoding.h"
#include "http/fields.h"
#include "tap.h"

#include <string.h>

static void test_lists(void)
{
    struct text rest = TEXT(" a , ,\"b, c\" ;q=1,, d\t"), item;
    OK(http_list_next(&rest, &item) && text_equal(item, TEXT("a")), "elements are trimmed");
    OK(http_list_next(&rest, &item) && text_equal(item, TEXT("\"b, c\" ;q=1")),
       "commas in quotes do not separate");
    OK(http_list_next(&rest, &item) && text_equal(item, TEXT("d")), "empty elements are skipped");
    OK(!http_list_next(&rest, &item), "and then it ends");
    rest = TEXT("\"open, x");
    OK(http_list_next(&rest, &item) && !http_list_next(&rest, &item),
       "an open quote takes the rest");
    rest = TEXT("\"a\\\", b\", c");
    OK(http_list_next(&rest, &item) && text_equal(item, TEXT("\"a\\\", b\"")),
       "an escaped quote does not close");
    OK(http_list_has(TEXT("x, Close"), TEXT("close")), "tokens are found in any case");
    OK(!http_list_has(TEXT("closed"), TEXT("close")), "but not in parts");
    OK_TEXT(http_parameter_of(TEXT("text/html; Charset=\"utf-8\" ;q=0.5"), TEXT("charset")),
            TEXT("utf-8"), "parameters");
    OK_TEXT(http_parameter_of(TEXT("a;q=0.5"), TEXT("q")), TEXT("0.5"), "also the last");
    OK(!http_parameter_of(TEXT("q=1"), TEXT("q")).data, "but not the element itself");
    OK_TEXT(http_before_parameters(TEXT(" text/html ;q=1")), TEXT("text/html"),
            "what stands before them");
    OK(http_is_token(TEXT("X-1_!")) && !http_is_token(TEXT("")) && !http_is_token(TEXT("a b")),
       "tokens");
    OK(http_quality(TEXT("1")) == 1000 && http_quality(TEXT("0.25")) == 250 &&
           http_quality(TEXT("1.000")) == 1000,
       "qualities");
    OK(http_quality(TEXT("1.1")) < 0 && http_quality(TEXT("2")) < 0 &&
           http_quality(TEXT("0.1234")) < 0 && http_quality(TEXT("")) < 0 &&
           http_quality(TEXT("0,5")) < 0,
       "and what is none");
}

static const struct {
    const char *value, *available, *expected;
} codings[] = {
    {NULL, "gzip br", "identity"},
    {"", "gzip br", "identity"},
    {"gzip", "gzip br", "gzip"},
    {"gzip, br", "gzip br", "br"},
    {"gzip, deflate, br, zstd", "gzip br", "br"},
    {"GZIP", "gzip", "gzip"},
    {"x-gzip", "gzip", "gzip"},
    {"br;q=0.5, gzip;q=0.8", "gzip br", "gzip"},
    {"br;q=0", "gzip br", "identity"},
    {"*", "gzip br", "br"},
    {"*;q=0, gzip", "gzip br", "gzip"},
    {"gzip;q=0, *", "gzip br", "br"},
    {"gzip;q=0.5, identity", "gzip br", "identity"},
    {"gzip, identity", "gzip br", "gzip"},
    {"identity;q=0", "", "identity"},
    {"br", "gzip", "identity"},
    {"gzip;q=nonsense", "gzip", "identity"},
};

int main(void)
{
    test_lists();
    for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
        bool available[HTTP_CODING_COUNT] = {true, strstr(codings[i].available, "gzip") != NULL,
                                             strstr(codings[i].available, "br") != NULL};
        enum http_coding coding = http_coding_choose(text_of(codings[i].value), available);
        OK_TEXT(text_of(http_coding_name(coding)), text_of(codings[i].expected),
                codings[i].value ? codings[i].value : "no Accept-Encoding");
    }
    return tap_done();
}
