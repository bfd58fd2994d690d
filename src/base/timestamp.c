// SPDX-License-Identifier: GPL-3.0-or-later
/* Day arithmetic as in H. Hinnant, "chrono-compatible low-level date algorithms" (public domain).
 */
#include "base/timestamp.h"

#include "base/digits.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year =
        (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

struct civil civil_from_unix(int64_t unix_s)
{
    int64_t days = floor_div(unix_s, 86400), second = unix_s - days * 86400;
    int64_t shifted = days + 719468, era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_shifted = (5 * day_of_year + 2) / 153;
    int64_t month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(day_of_year - (153 * month_shifted + 2) / 5 + 1),
        .hour = (uint8_t)(second / 3600),
        .minute = (uint8_t)(second / 60 % 60),
        .second = (uint8_t)(second % 60),
        .weekday = (uint8_t)(((days + 4) % 7 + 7) % 7),
    };
}

int64_t unix_from_civil(const struct civil *c)
{
    return days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 +
           c->second;
}

/* The last `count` decimal digits of `value`, then `mark`. */
static char *put_digits(char *at, unsigned value, unsigned count, char mark)
{
    at = digits_fixed(at, value, count);
    *at = mark;
    return at + 1;
}

struct text timestamp_rfc3339(struct timestamp_text *storage, int64_t unix_ms)
{
    int64_t unix_s = floor_div(unix_ms, 1000);
    struct civil c = civil_from_unix(unix_s);
    char *at = put_digits(storage->digits, (unsigned)c.year, 4, '-');
    at = put_digits(at, c.month, 2, '-');
    at = put_digits(at, c.day, 2, 'T');
    at = put_digits(at, c.hour, 2, ':');
    at = put_digits(at, c.minute, 2, ':');
    at = put_digits(at, c.second, 2, '.');
    at = put_digits(at, (unsigned)(unix_ms - unix_s * 1000), 3, 'Z');
    return text_make(storage->digits, (size_t)(at - storage->digits));
}

/* Takes `size` digits off the front; SIZE_MAX-like failure is false. */
static bool take_digits(struct text *t, size_t size, unsigned *ret)
{
    uint64_t value;
    if (t->size < size || !text_to_u64(text_make(t->data, size), &value))
        return false;
    *ret = (unsigned)value;
    *t = text_from(*t, size);
    return true;
}

static bool take_byte(struct text *t, char byte)
{
    if (t->size == 0 || t->data[0] != byte)
        return false;
    *t = text_from(*t, 1);
    return true;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1U : 0U);
}

static bool take_offset(struct text *t, int64_t *ret_seconds)
{
    unsigned hours, minutes;
    bool is_west = t->size && t->data[0] == '-';
    if (take_byte(t, 'Z')) {
        *ret_seconds = 0;
        return true;
    }
    if ((!take_byte(t, '+') && !take_byte(t, '-')) || !take_digits(t, 2, &hours) ||
        !take_byte(t, ':') || !take_digits(t, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return true;
}

bool timestamp_from_rfc3339(struct text t, int64_t *ret_unix_ms)
{
    unsigned year, month, day, hour, minute, second, fraction_ms = 0;
    int64_t offset;
    if (!take_digits(&t, 4, &year) || !take_byte(&t, '-') || !take_digits(&t, 2, &month) ||
        !take_byte(&t, '-') || !take_digits(&t, 2, &day) || !take_byte(&t, 'T') ||
        !take_digits(&t, 2, &hour) || !take_byte(&t, ':') || !take_digits(&t, 2, &minute) ||
        !take_byte(&t, ':') || !take_digits(&t, 2, &second))
        return false;
    if (take_byte(&t, '.')) {
        unsigned scale = 100, digits = 0;
        for (; t.size && t.data[0] >= '0' && t.data[0] <= '9';
             t = text_from(t, 1), digits++, scale /= 10)
            fraction_ms += (unsigned)(t.data[0] - '0') * scale;
        if (digits == 0)
            return false;
    }
    if (!take_offset(&t, &offset) || t.size || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    struct civil c = {.year = (int32_t)year,
                      .month = (uint8_t)month,
                      .day = (uint8_t)day,
                      .hour = (uint8_t)hour,
                      .minute = (uint8_t)minute,
                      .second = (uint8_t)second};
    *ret_unix_ms = (unix_from_civil(&c) - offset) * 1000 + fraction_ms;
    return true;
}
