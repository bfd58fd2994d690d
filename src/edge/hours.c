// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/hours.h"

enum { WORDS_BYTES = sizeof "HH:MM-HH:MM" - 1, WORD_BYTES = sizeof "HH:MM" - 1 };

static bool parse_number(struct text digits, uint64_t below, unsigned *ret)
{
    uint64_t number;
    if (digits.data[0] < '0' || digits.data[0] > '9' || digits.data[1] < '0' ||
        digits.data[1] > '9' || !text_to_u64(text_from(digits, digits.data[0] == '0'), &number) ||
        number >= below)
        return false;
    *ret = (unsigned)number;
    return true;
}

static bool parse_minute(struct text word, unsigned *ret)
{
    unsigned hour, minute;
    if (word.data[2] != ':' || !parse_number(text_make(word.data, 2), 24, &hour) ||
        !parse_number(text_make(word.data + 3, 2), 60, &minute))
        return false;
    *ret = hour * 60 + minute;
    return true;
}

bool hours_parse(struct text words, struct hours *ret)
{
    struct hours hours;
    if (words.size != WORDS_BYTES || words.data[WORD_BYTES] != '-' ||
        !parse_minute(text_make(words.data, WORD_BYTES), &hours.from) ||
        !parse_minute(text_make(words.data + WORD_BYTES + 1, WORD_BYTES), &hours.to) ||
        hours.from == hours.to)
        return false;
    *ret = hours;
    return true;
}

bool hours_have(const struct hours *hours, unsigned minute)
{
    if (hours->from == hours->to)
        return true;
    if (hours->from < hours->to)
        return hours->from <= minute && minute < hours->to;
    return hours->from <= minute || minute < hours->to;
}
