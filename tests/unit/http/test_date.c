// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/date.h"
#include "tap.h"

enum { NOW_S = 1795287600 }; /* 2026-11-21 */

static const struct {
    const char *text;
    int64_t unix_s; /* INT64_MIN: refused */
} dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Thu, 29 Feb 2024 12:00:00 GMT", 1709208000},
    {"Sunday, 06-Nov-76 08:49:37 GMT", 3371878177}, /* 50 years ahead is still ahead */
    {"Sunday, 06-Nov-77 08:49:37 GMT", 247654177},  /* 51 is not */
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},  /* a leap second is the next second */
    {"Sat Nov 16 08:49:37 1996", 848134177},
    {"Tue, 29 Feb 2023 12:00:00 GMT", INT64_MIN},
    {"Sun, 31 Nov 1994 08:49:37 GMT", INT64_MIN},
    {"Sun, 06 Nov 1994 24:00:00 GMT", INT64_MIN},
    {"Sun, 06 Nov 1994 08:60:00 GMT", INT64_MIN},
    {"Sun, 06 Nov 1994 08:49:37", INT64_MIN},
    {"Sun, 06 Nov 1994 08:49:37 UTC", INT64_MIN},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", INT64_MIN},
    {"Sun, 6 Nov 1994 08:49:37 GMT", INT64_MIN},
    {"Sun, 06 nov 1994 08:49:37 GMT", INT64_MIN},
    {"Xyz, 06 Nov 1994 08:49:37 GMT", INT64_MIN},
    {"Sun, 00 Nov 1994 08:49:37 GMT", INT64_MIN},
    {"Sun, 06 Nov 0000 08:49:37 GMT", INT64_MIN},
    {"Sun, 06 Nov -994 08:49:37 GMT", INT64_MIN},
    {"784111777", INT64_MIN},
    {"", INT64_MIN},
    {",", INT64_MIN},
};

int main(void)
{
    struct http_date_text storage;
    OK_TEXT(http_date_write(&storage, 784111777), TEXT("Sun, 06 Nov 1994 08:49:37 GMT"),
            "IMF-fixdate is written");
    for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
        int64_t unix_s = INT64_MIN;
        bool is_read = http_date_parse(text_of(dates[i].text), NOW_S, &unix_s);
        OK(is_read == (dates[i].unix_s != INT64_MIN) && unix_s == dates[i].unix_s, dates[i].text);
        if (unix_s != dates[i].unix_s)
            printf("# got %lld\n", (long long)unix_s);
    }
    bool all = true;
    for (int64_t unix_s = 0; unix_s < 5000000000; unix_s += 86399 * 13) {
        int64_t again = -1;
        all &= http_date_parse(http_date_write(&storage, unix_s), NOW_S, &again) && again == unix_s;
    }
    OK(all, "what is written reads back the same, over a century");
    return tap_done();
}
