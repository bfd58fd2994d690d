// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/id.h"

enum { ID_DIGITS = 22 };

static const struct text id_prefixes[CATALOG_KINDS] = {
    [CATALOG_TRACK] = TEXT_INIT("tr-"),    [CATALOG_ALBUM] = TEXT_INIT("al-"),
    [CATALOG_ARTIST] = TEXT_INIT("ar-"),   [CATALOG_FOLDER] = TEXT_INIT("fo-"),
    [CATALOG_ARTWORK] = TEXT_INIT("art-"),
};

struct text catalog_id_print(struct catalog_id_text *storage, enum catalog_kind kind,
                             const struct catalog_id *id)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < id_prefixes[kind].size; i++)
        storage->digits[size++] = id_prefixes[kind].data[i];
    for (unsigned digit = 0, at = 0, held = 0; digit < ID_DIGITS; digit++, held -= 6) {
        if (held < 6) { /* the last digit takes four zero bits below the last byte */
            bits = bits << 8 | (at < 16 ? id->bytes[at] : 0);
            at++, held += 8;
        }
        storage->digits[size++] = digits[bits >> (held - 6) & 63];
    }
    storage->digits[size] = 0;
    return text_make(storage->digits, size);
}

enum { NO_DIGIT = 64, FIRST_DIGIT = '-', LAST_DIGIT = 'z' };

/* From '-' to 'z'. */
static const uint8_t digit_values[LAST_DIGIT - FIRST_DIGIT + 1] = {
    62, 64, 64, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63, 64, 26, 27, 28, 29, 30, 31, 32, 33,
    34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
};

static unsigned digit_value(char c)
{
    unsigned place = (unsigned char)c - (unsigned)FIRST_DIGIT;
    return place < sizeof digit_values ? digit_values[place] : NO_DIGIT;
}

/* `count` digits, at most four, as bits; a digit that is none leaves a mark in *seen. */
static uint32_t group(const char *at, unsigned count, unsigned *seen)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned value = digit_value(at[i]);
        *seen |= value;
        bits = bits << 6 | (value & 63);
    }
    return bits;
}

static bool parse_digits(const char *at, struct catalog_id *ret_id)
{
    struct catalog_id id;
    unsigned seen = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint32_t bits = group(at + 4 * i, 4, &seen);
        id.bytes[3 * i] = (uint8_t)(bits >> 16);
        id.bytes[3 * i + 1] = (uint8_t)(bits >> 8);
        id.bytes[3 * i + 2] = (uint8_t)bits;
    }
    uint32_t last = group(at + 20, 2, &seen);
    id.bytes[15] = (uint8_t)(last >> 4);
    if (seen & NO_DIGIT ||
        last & 15) /* spare bits: the text would not be the only one for its id */
        return false;
    *ret_id = id;
    return true;
}

bool catalog_id_parse(struct text t, enum catalog_kind *ret_kind, struct catalog_id *ret_id)
{
    for (unsigned kind = 0; kind < CATALOG_KINDS; kind++) {
        size_t prefix = id_prefixes[kind].size;
        if (t.size != prefix + ID_DIGITS)
            continue;
        size_t same = 0;
        while (same < prefix && t.data[same] == id_prefixes[kind].data[same])
            same++;
        if (same == prefix) {
            if (!parse_digits(t.data + prefix, ret_id))
                return false;
            *ret_kind = (enum catalog_kind)kind;
            return true;
        }
    }
    return false;
}

int catalog_id_compare(const struct catalog_id *a, const struct catalog_id *b)
{
    for (unsigned i = 0; i < sizeof a->bytes; i++)
        if (a->bytes[i] != b->bytes[i])
            return a->bytes[i] < b->bytes[i] ? -1 : 1;
    return 0;
}

bool catalog_id_equal(const struct catalog_id *a, const struct catalog_id *b)
{
    return catalog_id_compare(a, b) == 0;
}

bool catalog_id_is_none(const struct catalog_id *id)
{
    uint8_t any = 0;
    for (unsigned i = 0; i < sizeof id->bytes; i++)
        any |= id->bytes[i];
    return any == 0;
}
