// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/range.h"
#include "tap.h"

static const struct {
    const char *value;
    uint64_t size;
    const char *expected; /* "first-last,..."; "200": ignored; "416" */
} cases[] = {
    {"bytes=0-0", 1000, "0-0"},
    {"bytes=0-499", 1000, "0-499"},
    {"Bytes=500-", 1000, "500-999"},
    {"bytes=-1", 1000, "999-999"},
    {"bytes=-5000", 1000, "0-999"},
    {"bytes=0-5000", 1000, "0-999"},
    {"bytes=999-", 1000, "999-999"},
    {"bytes=1000-", 1000, "416"},
    {"bytes=-0", 1000, "416"},
    {"bytes=0-", 0, "416"},
    {"bytes=-1", 0, "416"},
    {"bytes=0-18446744073709551615", 1000, "0-999"},
    {"bytes=0-18446744073709551616", 1000, "200"},
    {"bytes=0-1,4-5", 1000, "0-1,4-5"},
    {"bytes= 0-1 , ,4-5 ", 1000, "0-1,4-5"},
    {"bytes=0-1,2000-", 1000, "0-1"},
    {"bytes=5-5,0-0", 1000, "5-5,0-0"},
    {"bytes=0-,0-,0-", 1000, "0-999,0-999,0-999"},
    {"bytes=0-,0-,0-,0-", 1000, "416"},
    {"bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,30-31",
     1000, "0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,30-31"},
    {"bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,30-31,"
     "32-33",
     1000, "416"},
    {"bytes=9-5", 1000, "200"},
    {"bytes=-", 1000, "200"},
    {"bytes=", 1000, "200"},
    {"bytes=a-b", 1000, "200"},
    {"bytes=1-2-3", 1000, "200"},
    {"bytes=+1-2", 1000, "200"},
    {"bytes 0-1", 1000, "200"},
    {"items=0-1", 1000, "200"},
    {"bytes=0-1,x", 1000, "200"},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_ranges ranges = {0};
        struct buffer shown;
        buffer_init(&shown, 1024);
        enum http_range_result result =
            http_range_parse(text_of(cases[i].value), cases[i].size, &ranges);
        if (result != HTTP_RANGE_PARTIAL)
            buffer_text(&shown, result == HTTP_RANGE_IGNORED ? TEXT("200") : TEXT("416"));
        for (size_t k = 0; k < ranges.count; k++)
            buffer_printf(&shown, "%s%llu-%llu", k ? "," : "",
                          (unsigned long long)ranges.items[k].first,
                          (unsigned long long)ranges.items[k].last);
        OK_TEXT(buffer_view(&shown), text_of(cases[i].expected), cases[i].value);
        buffer_release(&shown);
    }
    struct http_content_range storage;
    OK_TEXT(http_content_range_write(&storage, (struct http_range){5, 9}, 1234),
            TEXT("bytes 5-9/1234"), "Content-Range");
    OK_TEXT(http_content_range_unsatisfied(&storage, 0), TEXT("bytes */0"),
            "Content-Range of a 416");
    struct http_range range;
    uint64_t size;
    OK(http_content_range_read(TEXT("bytes 5-9/1234"), &range, &size) && range.first == 5 &&
           range.last == 9 && size == 1234,
       "Content-Range, read");
    static const char *const bad[] = {"",           "bytes */5",   "bytes 5-4/9", "bytes 5-9/9",
                                      "bytes 5-9/", "bytes 5-9/*", "items 5-9/10"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!http_content_range_read(text_of(bad[i]), &range, &size), bad[i]);
    OK(http_content_range_is_valid(TEXT("bytes 5-9/*")) &&
           http_content_range_is_valid(TEXT("bytes 5-9/10")) &&
           !http_content_range_is_valid(TEXT("bytes 5-4/*")) &&
           !http_content_range_is_valid(TEXT("bytes */5")),
       "Content-Range of a whole of unknown length says where a part lies");
    return tap_done();
}
