// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"

/* lines: a header as "name: value" lines, up to an empty one, for fuzz targets of caching. */
enum { LINES_MAX = 32 };
static inline struct caching_fields lines_take(struct text *rest, struct http_field *ret)
{
    struct text line;
    size_t count = 0;
    while (count < LINES_MAX && text_split(rest, '\n', &line) && line.size > 0) {
        size_t colon = text_find_byte(line, ':');
        if (colon != SIZE_MAX)
            ret[count++] = (struct http_field){text_make(line.data, colon),
                                               text_trim(text_from(line, colon + 1))};
    }
    return (struct caching_fields){ret, count};
}
