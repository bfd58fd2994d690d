// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"

#include "base/mem.h"

#include <locale.h>

static inline unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

int text_compare(struct text a, struct text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool text_starts_nocase(struct text whole, struct text prefix)
{
    if (whole.size < prefix.size)
        return false;
    for (size_t i = 0; i < prefix.size; i++)
        if (lower(whole.data[i]) != lower(prefix.data[i]))
            return false;
    return true;
}

bool text_ends(struct text whole, struct text suffix)
{
    return whole.size >= suffix.size &&
           text_equal(text_from(whole, whole.size - suffix.size), suffix);
}

bool text_ends_nocase(struct text whole, struct text suffix)
{
    return whole.size >= suffix.size &&
           text_equal_nocase(text_from(whole, whole.size - suffix.size), suffix);
}

bool text_contains(struct text whole, struct text part)
{
    return text_find(whole, part) != SIZE_MAX;
}

size_t text_find(struct text whole, struct text part)
{
    if (part.size == 0 || whole.size < part.size)
        return part.size == 0 ? 0 : SIZE_MAX;
    const char *at = memmem(whole.data, whole.size, part.data, part.size);
    return at ? (size_t)(at - whole.data) : SIZE_MAX;
}

size_t text_find_byte(struct text whole, char byte)
{
    const char *at = whole.size ? memchr(whole.data, byte, whole.size) : NULL;
    return at ? (size_t)(at - whole.data) : SIZE_MAX;
}

static inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct text text_trim(struct text whole)
{
    while (whole.size && is_blank(whole.data[0]))
        whole = text_from(whole, 1);
    while (whole.size && is_blank(whole.data[whole.size - 1]))
        whole.size--;
    return whole;
}

bool text_split(struct text *rest, char separator, struct text *ret_part)
{
    if (!rest->data)
        return false;
    size_t at = text_find_byte(*rest, separator);
    if (at == SIZE_MAX) {
        *ret_part = *rest;
        *rest = TEXT_NONE;
    } else {
        *ret_part = (struct text){rest->data, at};
        *rest = text_from(*rest, at + 1);
    }
    return true;
}

bool text_to_u64(struct text digits, uint64_t *ret)
{
    uint64_t value = 0;
    if (digits.size == 0 || digits.size > 20)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        char c = digits.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

bool text_to_i64(struct text digits, int64_t *ret)
{
    uint64_t magnitude;
    bool is_negative = digits.size && digits.data[0] == '-';
    if (!text_to_u64(text_from(digits, is_negative), &magnitude) || magnitude > INT64_MAX)
        return false;
    *ret = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

bool text_to_double(struct text digits, double *ret)
{
    char copy[64];
    if (digits.size == 0 || digits.size >= sizeof copy || is_blank(digits.data[0]))
        return false;
    memcpy(copy, digits.data, digits.size);
    copy[digits.size] = '\0';
    /* The program never calls setlocale(LC_NUMERIC), so strtod reads the C locale's point. */
    char *end;
    double value = strtod(copy, &end);
    if (end != copy + digits.size || value != value)
        return false;
    *ret = value;
    return true;
}

bool text_is_utf8(struct text t)
{
    const unsigned char *at = (const unsigned char *)t.data;
    size_t left = t.size;
    while (left) {
        unsigned char lead = *at;
        if (lead < 0x80) {
            at++, left--;
            continue;
        }
        size_t extra = lead >= 0xC2 && lead < 0xE0   ? 1
                       : lead >= 0xE0 && lead < 0xF0 ? 2
                       : lead >= 0xF0 && lead < 0xF5 ? 3
                                                     : 0;
        if (extra == 0 || left <= extra)
            return false;
        for (size_t i = 1; i <= extra; i++)
            if ((at[i] & 0xC0) != 0x80)
                return false;
        if ((lead == 0xE0 && at[1] < 0xA0) || (lead == 0xED && at[1] > 0x9F) ||
            (lead == 0xF0 && at[1] < 0x90) || (lead == 0xF4 && at[1] > 0x8F))
            return false;
        at += extra + 1, left -= extra + 1;
    }
    return true;
}

char *text_dup(struct text t)
{
    char *copy = mem_alloc(t.size + 1);
    bytes_copy(copy, t.data, t.size);
    copy[t.size] = '\0';
    return copy;
}
