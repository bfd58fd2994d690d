// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * range: byte ranges (RFC 9110 14) of a representation whose size is known, and the
 * multipart/byteranges body that carries several of them (14.6).
 */
enum { HTTP_RANGES_MAX = 16 };

struct http_range {
    uint64_t first, last; /* inclusive, first <= last < size */
};

struct http_ranges {
    struct http_range items[HTTP_RANGES_MAX];
    size_t count;
};

enum http_range_result {
    HTTP_RANGE_IGNORED, /* no range, another unit, or not the grammar: answer 200 with everything */
    HTTP_RANGE_PARTIAL, /* 206 */
    HTTP_RANGE_UNSATISFIABLE, /* 416: all beyond the end, or an excess (15.5.17) */
};

/*
 * Parses a Range field value.  Ranges beyond the end are dropped, a last byte beyond it is clamped,
 * suffixes count from the end.  An excess is more than HTTP_RANGES_MAX ranges, or more than two
 * that overlap another: nobody's player asks so, and each part would cost us.
 */
enum http_range_result http_range_parse(struct text value, uint64_t size, struct http_ranges *ret);

/* "bytes 0-499/1234" */
struct http_content_range {
    char digits[72];
};
struct text http_content_range_write(struct http_content_range *storage, struct http_range range,
                                     uint64_t size);
struct text http_content_range_unsatisfied(struct http_content_range *storage, uint64_t size);

/* The same read; false for another unit, an unknown size, or what contradicts itself. */
bool http_content_range_read(struct text value, struct http_range *ret,
                             uint64_t *ret_size) MUST_USE;

/* Whether it says where a part lies (14.4), be its whole of unknown size ("*"). */
bool http_content_range_is_valid(struct text value) MUST_USE;

/* The delimiter and fields before one part, and the end after the last.  The boundary is a token of
 * ours. */
void http_part_head(struct buffer *out, struct text boundary, struct text content_type,
                    struct http_range range, uint64_t size);
void http_part_end(struct buffer *out, struct text boundary);
