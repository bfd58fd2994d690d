// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/date.h"

#include "base/digits.h"
#include "base/timestamp.h"

#include <string.h>

static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct text http_date_write(struct http_date_text *storage, int64_t unix_s)
{
    struct civil civil = civil_from_unix(unix_s);
    char *form = storage->digits;
    memcpy(form, "Ddd, 00 Mmm 0000 00:00:00 GMT", HTTP_DATE_BYTES + 1);
    memcpy(form, day_names[civil.weekday], 3);
    digits_fixed(form + 5, civil.day, 2);
    memcpy(form + 8, month_names + 3 * (civil.month - 1), 3);
    digits_fixed(form + 12, (unsigned)civil.year, 4);
    digits_fixed(form + 17, civil.hour, 2);
    digits_fixed(form + 20, civil.minute, 2);
    digits_fixed(form + 23, civil.second, 2);
    return text_make(form, HTTP_DATE_BYTES);
}

/* --- reading: each take_ moves *rest on, or fails for good by leaving it empty with data NULL ---
 */

static void fail(struct text *rest) { *rest = TEXT_NONE; }

static void take_word(struct text *rest, struct text word)
{
    if (text_starts(*rest, word) && rest->data)
        *rest = text_from(*rest, word.size);
    else
        fail(rest);
}

static int32_t take_number(struct text *rest, size_t digits)
{
    uint64_t value;
    if (rest->size < digits || !text_to_u64(text_make(rest->data, digits), &value)) {
        fail(rest);
        return 0;
    }
    *rest = text_from(*rest, digits);
    return (int32_t)value;
}

static uint8_t take_month(struct text *rest)
{
    for (uint8_t month = 0; rest->size >= 3 && month < 12; month++) {
        if (!memcmp(rest->data, month_names + (size_t)3 * month, 3)) {
            *rest = text_from(*rest, 3);
            return (uint8_t)(month + 1);
        }
    }
    fail(rest);
    return 1;
}

static void take_weekday(struct text *rest, bool is_long)
{
    for (size_t i = 0; i < ARRAY_SIZE(day_names); i++) {
        struct text name = text_of(day_names[i]);
        if (!is_long)
            name.size = 3;
        if (text_starts(*rest, name)) {
            *rest = text_from(*rest, name.size);
            return;
        }
    }
    fail(rest);
}

static void take_time(struct text *rest, struct civil *civil)
{
    civil->hour = (uint8_t)take_number(rest, 2);
    take_word(rest, TEXT(":"));
    civil->minute = (uint8_t)take_number(rest, 2);
    take_word(rest, TEXT(":"));
    civil->second = (uint8_t)take_number(rest, 2);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void take_fixdate(struct text *rest, struct civil *civil)
{
    take_weekday(rest, false);
    take_word(rest, TEXT(", "));
    civil->day = (uint8_t)take_number(rest, 2);
    take_word(rest, TEXT(" "));
    civil->month = take_month(rest);
    take_word(rest, TEXT(" "));
    civil->year = take_number(rest, 4);
    take_word(rest, TEXT(" "));
    take_time(rest, civil);
    take_word(rest, TEXT(" GMT"));
}

static int32_t full_year(int32_t two_digits, int64_t now_s)
{
    int32_t this_year = civil_from_unix(now_s).year;
    int32_t year = this_year - this_year % 100 + two_digits;
    return year > this_year + 50 ? year - 100 : year;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static void take_rfc850(struct text *rest, struct civil *civil, int64_t now_s)
{
    take_weekday(rest, true);
    take_word(rest, TEXT(", "));
    civil->day = (uint8_t)take_number(rest, 2);
    take_word(rest, TEXT("-"));
    civil->month = take_month(rest);
    take_word(rest, TEXT("-"));
    civil->year = full_year(take_number(rest, 2), now_s);
    take_word(rest, TEXT(" "));
    take_time(rest, civil);
    take_word(rest, TEXT(" GMT"));
}

/* Sun Nov  6 08:49:37 1994 */
static void take_asctime(struct text *rest, struct civil *civil)
{
    take_weekday(rest, false);
    take_word(rest, TEXT(" "));
    civil->month = take_month(rest);
    take_word(rest, TEXT(" "));
    bool is_padded = text_starts(*rest, TEXT(" "));
    if (is_padded)
        take_word(rest, TEXT(" "));
    civil->day = (uint8_t)take_number(rest, is_padded ? 1 : 2);
    take_word(rest, TEXT(" "));
    take_time(rest, civil);
    take_word(rest, TEXT(" "));
    civil->year = take_number(rest, 4);
}

static bool exists(const struct civil *civil)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = civil->year % 4 == 0 && (civil->year % 100 != 0 || civil->year % 400 == 0);
    return civil->year > 0 && civil->day >= 1 && civil->day <= days[civil->month - 1] &&
           (civil->month != 2 || civil->day < 29 || is_leap) && civil->hour < 24 &&
           civil->minute < 60 && civil->second <= 60;
}

bool http_date_parse(struct text t, int64_t now_s, int64_t *ret_unix_s)
{
    struct civil civil = {0};
    size_t comma = text_find_byte(t, ',');
    struct text rest = t;
    if (comma == 3)
        take_fixdate(&rest, &civil);
    else if (comma != SIZE_MAX)
        take_rfc850(&rest, &civil, now_s);
    else
        take_asctime(&rest, &civil);
    if (!rest.data || rest.size > 0 || !exists(&civil))
        return false;
    bool is_leap_second =
        civil.second == 60; /* its own arithmetic would do, but the next second is right */
    if (is_leap_second)
        civil.second = 59;
    *ret_unix_s = unix_from_civil(&civil) + is_leap_second;
    return true;
}
