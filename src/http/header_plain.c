// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/octets.h"
#include "http/fields.h"
#include "http/header.h"

/*
 * header_plain: fields of the shape that nearly all requests have, read without llhttp, which takes
 * a dozen instructions for each byte.
 *
 * It never refuses and never understands more than llhttp does: what is not certainly right, or
 * says how long a body is, is left to llhttp.  tests/fuzz/fuzz_header_plain.c holds the two
 * together.
 */

static octets is_unusual(octets bytes)
{
    return (octets)((bytes - 0x20 > 0x7e - 0x20) & (bytes != '\t'));
}

/* Printable ASCII and HTAB. */
static bool is_plain(struct text value) { return !octets_any(value, is_unusual); }

static bool states_length(struct text name)
{
    return text_equal_nocase(name, TEXT("Content-Length")) ||
           text_equal_nocase(name, TEXT("Transfer-Encoding"));
}

static struct text trim_blanks(struct text value)
{
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = text_from(value, 1);
    while (value.size > 0 &&
           (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t'))
        value.size--;
    return value;
}

/* `line` is without its CRLF. */
static bool read_field(struct text line, struct http_field *ret)
{
    size_t colon = 0;
    while (colon < line.size && http_is_token_byte((unsigned char)line.data[colon]))
        colon++;
    if (colon == 0 || colon == line.size || line.data[colon] != ':')
        return false;
    struct text name = {line.data, colon}, value = text_from(line, colon + 1);
    if (!is_plain(value) || states_length(name))
        return false;
    *ret = (struct http_field){name, trim_blanks(value)};
    return true;
}

bool http_header_read_plain(struct text lines, size_t count, struct http_field *fields)
{
    for (size_t i = 0; i < count; i++) {
        size_t end = text_find_byte(lines, '\r');
        if (end == SIZE_MAX || end + 1 >= lines.size || lines.data[end + 1] != '\n' ||
            !read_field(text_make(lines.data, end), &fields[i]))
            return false;
        lines = text_from(lines, end + 2);
    }
    return text_equal(lines, TEXT("\r\n"));
}
