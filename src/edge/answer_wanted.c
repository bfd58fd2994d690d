// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/answer.h"
#include "http/conditional.h"
#include "http/date.h"

/*
 * answer_wanted: preconditions and ranges of what is stored: what a request asks of it, and whether
 * a part that is held is enough for that.
 */

static struct text opaque_tag(struct text tag)
{
    if (text_starts(tag, TEXT("W/")))
        tag = text_from(tag, 2);
    return tag.size > 2 ? text_make(tag.data + 1, tag.size - 2) : TEXT_NONE;
}

static struct http_validators validators_of(const struct stored *stored, int64_t now_s)
{
    struct http_validators validators = {opaque_tag(caching_field(stored->fields, TEXT("ETag"))),
                                         INT64_MIN};
    struct text date = caching_field(stored->fields, TEXT("Last-Modified"));
    if (!date.data) /* RFC 9111 4.3.2 */
        date = caching_field(stored->fields, TEXT("Date"));
    if (!date.data || !http_date_parse(date, now_s, &validators.last_modified_s))
        validators.last_modified_s = INT64_MIN;
    return validators;
}

/* Most requests ask for nothing special: then no date is read. */
static bool has_conditions(const struct http_request *request)
{
    return http_request_field(request, TEXT("If-None-Match")).data ||
           http_request_field(request, TEXT("If-Modified-Since")).data;
}

bool answer_is_not_modified(const struct asking *asking, const struct stored *stored, int64_t now_s)
{
    const struct http_request *request = exchange_request(asking->exchange);
    if (!asking->is_read || (stored->status != 200 && stored->status != 206) ||
        !has_conditions(request))
        return false;
    struct http_validators validators = validators_of(stored, now_s);
    return http_condition_of(request, &validators, now_s) == HTTP_CONDITION_NOT_MODIFIED;
}

enum http_range_result answer_range_of(const struct asking *asking, const struct stored *stored,
                                       uint64_t length, struct http_range *ret)
{
    const struct http_request *request = exchange_request(asking->exchange);
    struct text value = http_request_field(request, TEXT("Range"));
    int64_t now_s = exchange_now_ms(asking->exchange) / 1000;
    struct http_ranges ranges;
    if (!value.data || request->method != HTTP_METHOD_GET || stored->status != 200 ||
        length == CACHE_LENGTH_UNKNOWN)
        return HTTP_RANGE_IGNORED;
    struct http_validators validators = validators_of(stored, now_s);
    if (text_starts(caching_field(stored->fields, TEXT("ETag")), TEXT("W/")))
        validators.etag = TEXT_NONE; /* If-Range compares strongly (RFC 9110 13.1.5) */
    if (!http_if_range_holds(request, &validators, now_s))
        return HTTP_RANGE_IGNORED;
    enum http_range_result result = http_range_parse(value, length, &ranges);
    if (result == HTTP_RANGE_PARTIAL && ranges.count > 1)
        return HTTP_RANGE_IGNORED;
    if (result == HTTP_RANGE_PARTIAL)
        *ret = ranges.items[0];
    return result;
}

bool answer_is_enough(const struct asking *asking, struct cache_object *object,
                      const struct stored *stored)
{
    struct cache_range ranges[CACHE_RANGES_MAX];
    struct http_range wanted;
    enum cache_state state = cache_object_state(object);
    if (state != CACHE_PARTIAL || !asking->exchange)
        return state != CACHE_FAILED && state != CACHE_PARTIAL;
    if (answer_range_of(asking, stored, cache_object_length(object), &wanted) != HTTP_RANGE_PARTIAL)
        return answer_is_not_modified(asking, stored, exchange_now_ms(asking->exchange) / 1000);
    size_t count = cache_object_ranges(object, ranges);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].begin <= wanted.first && wanted.last < ranges[i].end)
            return true;
    return false;
}
