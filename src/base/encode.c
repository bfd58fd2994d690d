// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/encode.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void encode_hex(struct buffer *out, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++)
        buffer_append(out, (char[]){"0123456789abcdef"[at[i] >> 4], "0123456789abcdef"[at[i] & 15]},
                      2);
}

size_t decode_hex(struct text hex, void *out, size_t capacity)
{
    uint8_t *at = out;
    if (hex.size % 2 || hex.size / 2 > capacity)
        return SIZE_MAX;
    for (size_t i = 0; i < hex.size / 2; i++) {
        int high = hex_value(hex.data[2 * i]), low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return SIZE_MAX;
        at[i] = (uint8_t)(high << 4 | low);
    }
    return hex.size / 2;
}

static const char base64url_digits[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_base64url(struct buffer *out, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t group = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)at[i] << 16;
        bits |= group > 1 ? (uint32_t)at[i + 1] << 8 : 0;
        bits |= group > 2 ? at[i + 2] : 0;
        for (size_t digit = 0; digit <= group; digit++)
            buffer_byte(out, (uint8_t)base64url_digits[bits >> (18 - 6 * digit) & 63]);
    }
}

static int base64url_value(char c)
{
    const char *at = c ? strchr(base64url_digits, c) : NULL;
    return at ? (int)(at - base64url_digits) : -1;
}

size_t decode_base64url(struct text t, void *out, size_t capacity)
{
    uint8_t *at = out;
    size_t size = t.size / 4 * 3 + (t.size % 4 ? t.size % 4 - 1 : 0);
    uint32_t bits = 0;
    size_t written = 0;
    if (t.size % 4 == 1 || size > capacity)
        return SIZE_MAX;
    for (size_t i = 0; i < t.size; i++) {
        int value = base64url_value(t.data[i]);
        if (value < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            at[written++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    uint32_t spare_mask = t.size % 4 == 2 ? 15 : t.size % 4 == 3 ? 3 : 0;
    return bits & spare_mask ? SIZE_MAX : size;
}

void encode_percent(struct buffer *out, struct text t, bool keep_slash)
{
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                        (c == '/' && keep_slash);
        if (is_plain)
            buffer_byte(out, c);
        else
            buffer_append(out,
                          (char[]){'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]}, 3);
    }
}
