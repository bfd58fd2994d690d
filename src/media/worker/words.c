// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/words.h"

static void append_utf8(struct buffer *out, uint32_t c)
{
    if (c < 0x80) {
        buffer_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        buffer_byte(out, (uint8_t)(0xc0 | c >> 6));
        buffer_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        buffer_byte(out, (uint8_t)(0xe0 | c >> 12));
        buffer_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        buffer_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* 0x80-0x9f of Windows-1252 and 0x80-0xbf of Windows-1251 (unicode.org, VENDORS/MICSFT/WINDOWS); 0:
 * undefined */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};
static const uint16_t windows_1251[64] = {
    0x0402, 0x0403, 0x201a, 0x0453, 0x201e, 0x2026, 0x2020, 0x2021, 0x20ac, 0x2030, 0x0409,
    0x2039, 0x040a, 0x040c, 0x040b, 0x040f, 0x0452, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0,      0x2122, 0x0459, 0x203a, 0x045a, 0x045c, 0x045b, 0x045f, 0x00a0,
    0x040e, 0x045e, 0x0408, 0x00a4, 0x0490, 0x00a6, 0x00a7, 0x0401, 0x00a9, 0x0404, 0x00ab,
    0x00ac, 0x00ad, 0x00ae, 0x0407, 0x00b0, 0x00b1, 0x0406, 0x0456, 0x0491, 0x00b5, 0x00b6,
    0x00b7, 0x0451, 0x2116, 0x0454, 0x00bb, 0x0458, 0x0405, 0x0455, 0x0457,
};

static uint32_t from_1252(uint8_t byte)
{
    return byte >= 0x80 && byte < 0xa0 ? windows_1252[byte - 0x80] : byte;
}

static uint32_t from_1251(uint8_t byte)
{
    if (byte < 0x80)
        return byte;
    return byte < 0xc0 ? windows_1251[byte - 0x80] : 0x0410U + byte - 0xc0U;
}

static bool looks_cyrillic(struct text bytes)
{
    size_t high = 0, latin = 0, row = 0, longest = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = (uint8_t)bytes.data[i];
        bool is_high = byte >= 0xc0 || byte == 0xa8 || byte == 0xb8; /* the latter two are Ё ё */
        high += is_high;
        latin += (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        row = is_high ? row + 1 : 0;
        longest = row > longest ? row : longest;
    }
    return longest >= 3 && high > latin;
}

static bool has_high(struct text bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if ((uint8_t)bytes.data[i] >= 0x80)
            return true;
    return false;
}

void words_from_bytes(struct text bytes, struct buffer *out)
{
    bytes.size = strnlen(bytes.size ? bytes.data : "",
                         bytes.size); /* fields of fixed size are filled with NUL */
    if (!has_high(bytes) || text_is_utf8(bytes)) {
        buffer_text(out, bytes);
        return;
    }
    uint32_t (*decode)(uint8_t) = looks_cyrillic(bytes) ? from_1251 : from_1252;
    for (size_t i = 0; i < bytes.size; i++) {
        uint32_t c = decode((uint8_t)bytes.data[i]);
        append_utf8(out, c ? c : 0xfffd);
    }
}

/* Length of the valid character at the front, or 0. */
static size_t character(struct text t)
{
    uint8_t lead = (uint8_t)t.data[0];
    size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return size <= t.size && text_is_utf8(text_make(t.data, size)) ? size : 0;
}

static bool is_dropped(uint8_t byte)
{
    return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

static void append_character(struct text t, size_t size, bool keep_lines, struct buffer *out)
{
    uint8_t byte = (uint8_t)t.data[0];
    if (!size)
        append_utf8(out, 0xfffd);
    else if (byte == '\r')
        buffer_byte(out, keep_lines ? '\n' : ' ');
    else if (!keep_lines && (byte == '\n' || byte == '\t'))
        buffer_byte(out, ' ');
    else if (!is_dropped(byte))
        buffer_append(out, t.data, size);
}

static bool is_clean_ascii(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if ((uint8_t)t.data[i] < 0x20 || (uint8_t)t.data[i] >= 0x7f)
            return false;
    return true;
}

bool words_clean(struct text t, bool keep_lines, size_t limit, struct buffer *out)
{
    t = text_trim(t);
    if (t.size <= limit && is_clean_ascii(t)) { /* nearly all there is */
        buffer_text(out, t);
        return false;
    }
    size_t begin = out->size;
    while (t.size) {
        size_t size = character(t);
        if (out->size - begin + (size ? size : 3) > limit)
            return true;
        append_character(t, size, keep_lines, out);
        if (t.data[0] == '\r' && t.size > 1 && t.data[1] == '\n')
            size = 2;
        t = text_from(t, size ? size : 1);
    }
    while (out->size > begin &&
           (out->data[out->size - 1] == ' ' || out->data[out->size - 1] == '\n'))
        out->size--;
    return false;
}
