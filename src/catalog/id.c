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

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool parse_digits(const char *at, struct catalog_id *ret_id)
{
    struct catalog_id id;
    uint32_t bits = 0;
    unsigned held = 0, size = 0;
    for (unsigned digit = 0; digit < ID_DIGITS; digit++) {
        int value = digit_value(at[digit]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            id.bytes[size++] = (uint8_t)(bits >> held);
        }
    }
    if (bits & 15) /* four spare bits: the text would not be the only one for its id */
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
