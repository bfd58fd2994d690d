// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/range.h"

#include "base/digits.h"
#include "http/fields.h"

#include <inttypes.h>

enum { OVERLAPS_MAX = 2 };

/* One "first-last", "first-" or "-suffix".  Returns 1 when it is satisfiable, 0 when not, -1 bad
 * grammar. */
static int parse_one(struct text item, uint64_t size, struct http_range *ret)
{
    size_t dash = text_find_byte(item, '-');
    if (dash == SIZE_MAX)
        return -1;
    struct text first_text = text_make(item.data, dash), last_text = text_from(item, dash + 1);
    uint64_t first = 0, last = UINT64_MAX;
    if (first_text.size == 0 && last_text.size == 0)
        return -1;
    if (last_text.size && !text_to_u64(last_text, &last))
        return -1;
    if (first_text.size == 0) { /* the last `last` bytes */
        if (last == 0 || size == 0)
            return 0;
        *ret = (struct http_range){last < size ? size - last : 0, size - 1};
        return 1;
    }
    if (!text_to_u64(first_text, &first) || last < first)
        return -1;
    if (first >= size)
        return 0;
    *ret = (struct http_range){first, last < size ? last : size - 1};
    return 1;
}

static bool overlaps_any(const struct http_ranges *ranges, struct http_range range)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (range.first <= ranges->items[i].last && ranges->items[i].first <= range.last)
            return true;
    return false;
}

enum http_range_result http_range_parse(struct text value, uint64_t size, struct http_ranges *ret)
{
    struct http_ranges ranges = {.count = 0};
    unsigned overlaps = 0;
    size_t seen = 0;
    if (!text_starts_nocase(value, TEXT("bytes=")))
        return HTTP_RANGE_IGNORED;
    struct text rest = text_from(value, 6), item;
    bool is_excess = false;
    while (http_list_next(&rest, &item)) {
        struct http_range range;
        int found = parse_one(item, size, &range);
        if (found < 0)
            return HTTP_RANGE_IGNORED;
        is_excess |= ++seen > HTTP_RANGES_MAX;
        if (found == 0 || is_excess)
            continue;
        overlaps += overlaps_any(&ranges, range);
        ranges.items[ranges.count++] = range;
    }
    if (seen == 0)
        return HTTP_RANGE_IGNORED;
    if (is_excess || overlaps > OVERLAPS_MAX || ranges.count == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret = ranges;
    return HTTP_RANGE_PARTIAL;
}

struct text http_content_range_write(struct http_content_range *storage, struct http_range range,
                                     uint64_t size)
{
    char *at = storage->digits;
    memcpy(at, "bytes ", 6);
    at = digits_decimal(at + 6, range.first);
    *at++ = '-';
    at = digits_decimal(at, range.last);
    *at++ = '/';
    at = digits_decimal(at, size);
    *at = '\0';
    return text_make(storage->digits, (size_t)(at - storage->digits));
}

/* UINT64_MAX for the size of an unknown whole. */
static bool read_content_range(struct text value, struct http_range *ret, uint64_t *ret_size)
{
    struct text rest, first, last;
    struct http_range range;
    uint64_t size = UINT64_MAX;
    if (!text_starts_nocase(value, TEXT("bytes ")))
        return false;
    rest = text_from(value, 6);
    if (!text_split(&rest, '-', &first) || !text_to_u64(first, &range.first) ||
        !text_split(&rest, '/', &last) || !text_to_u64(last, &range.last) || !rest.data ||
        (!text_equal(rest, TEXT("*")) && !text_to_u64(rest, &size)) || range.first > range.last ||
        range.last >= size)
        return false;
    *ret = range;
    *ret_size = size;
    return true;
}

bool http_content_range_read(struct text value, struct http_range *ret, uint64_t *ret_size)
{
    struct http_range range;
    uint64_t size;
    if (!read_content_range(value, &range, &size) || size == UINT64_MAX)
        return false;
    *ret = range;
    *ret_size = size;
    return true;
}

bool http_content_range_is_valid(struct text value)
{
    struct http_range range;
    uint64_t size;
    return read_content_range(value, &range, &size);
}

struct text http_content_range_unsatisfied(struct http_content_range *storage, uint64_t size)
{
    int length = snprintf(storage->digits, sizeof storage->digits, "bytes */%" PRIu64, size);
    return text_make(storage->digits, (size_t)length);
}

void http_part_head(struct buffer *out, struct text boundary, struct text content_type,
                    struct http_range range, uint64_t size)
{
    struct http_content_range shown;
    buffer_printf(out, "\r\n--%.*s\r\nContent-Type: %.*s\r\nContent-Range: %s\r\n\r\n",
                  TEXT_ARGS(boundary), TEXT_ARGS(content_type),
                  http_content_range_write(&shown, range, size).data);
}

void http_part_end(struct buffer *out, struct text boundary)
{
    buffer_printf(out, "\r\n--%.*s--\r\n", TEXT_ARGS(boundary));
}
