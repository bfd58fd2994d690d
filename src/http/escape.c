// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/escape.h"

#include "base/octets.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static octets is_special(octets bytes) { return (octets)(bytes == '%') | (octets)(bytes == 0); }

static octets is_special_in_form(octets bytes)
{
    return is_special(bytes) | (octets)(bytes == '+');
}

bool http_is_unescaped(struct text encoded, enum http_unescape kind)
{
    return kind == HTTP_UNESCAPE_FORM ? !octets_any(encoded, is_special_in_form)
                                      : !octets_any(encoded, is_special);
}

size_t http_unescape(struct text encoded, enum http_unescape kind, char *out)
{
    size_t size = 0;
    if (encoded.size > 0 && http_is_unescaped(encoded, kind)) {
        memcpy(out, encoded.data, encoded.size);
        return encoded.size;
    }
    for (size_t i = 0; i < encoded.size; i++) {
        char byte = encoded.data[i];
        if (byte == '\0')
            return SIZE_MAX;
        if (byte == '+' && kind == HTTP_UNESCAPE_FORM) {
            out[size++] = ' ';
        } else if (byte != '%') {
            out[size++] = byte;
        } else {
            int high = i + 2 < encoded.size ? hex_digit(encoded.data[i + 1]) : -1;
            int low = i + 2 < encoded.size ? hex_digit(encoded.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return SIZE_MAX;
            byte = (char)(high << 4 | low);
            if (byte == '/' && kind == HTTP_UNESCAPE_PATH) {
                out[size++] = '%';
                out[size++] = '2';
                byte = 'F';
            }
            out[size++] = byte;
            i += 2;
        }
    }
    return size;
}
