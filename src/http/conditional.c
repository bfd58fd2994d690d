// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/conditional.h"

#include "http/date.h"
#include "http/fields.h"

static bool has_date(const struct http_validators *validators)
{
    return validators->last_modified_s != INT64_MIN;
}

/* Compares `"tag"` or `W/"tag"` with our strong tag; weak ones match only where `allows_weak`. */
static bool tag_matches(struct text shown, struct text opaque, bool allows_weak)
{
    if (text_starts(shown, TEXT("W/"))) {
        if (!allows_weak)
            return false;
        shown = text_from(shown, 2);
    }
    return opaque.size > 0 && shown.size == opaque.size + 2 && shown.data[0] == '"' &&
           shown.data[shown.size - 1] == '"' &&
           text_equal(text_make(shown.data + 1, opaque.size), opaque);
}

/* Over all fields of that name: a list may be split (RFC 9110 5.3). */
static bool any_tag_matches(const struct http_request *request, struct text name,
                            const struct http_validators *validators, bool allows_weak)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (!text_equal_nocase(request->fields[i].name, name))
            continue;
        struct text rest = request->fields[i].value, item;
        while (http_list_next(&rest, &item))
            if (text_equal(item, TEXT("*")) || tag_matches(item, validators->etag, allows_weak))
                return true;
    }
    return false;
}

static bool date_field(const struct http_request *request, struct text name, int64_t now_s,
                       int64_t *ret)
{
    struct text value = http_request_field(request, name);
    return value.data && http_date_parse(value, now_s, ret);
}

static bool precondition_fails(const struct http_request *request,
                               const struct http_validators *validators, int64_t now_s)
{
    int64_t since_s;
    if (http_request_field(request, TEXT("If-Match")).data)
        return !any_tag_matches(request, TEXT("If-Match"), validators, false);
    return has_date(validators) &&
           date_field(request, TEXT("If-Unmodified-Since"), now_s, &since_s) &&
           validators->last_modified_s > since_s;
}

enum http_condition http_condition_of(const struct http_request *request,
                                      const struct http_validators *validators, int64_t now_s)
{
    bool is_read = request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD;
    int64_t since_s;
    if (precondition_fails(request, validators, now_s))
        return HTTP_CONDITION_FAILED;
    if (http_request_field(request, TEXT("If-None-Match")).data) {
        if (!any_tag_matches(request, TEXT("If-None-Match"), validators, true))
            return HTTP_CONDITION_HOLDS;
        return is_read ? HTTP_CONDITION_NOT_MODIFIED : HTTP_CONDITION_FAILED;
    }
    if (is_read && has_date(validators) &&
        date_field(request, TEXT("If-Modified-Since"), now_s, &since_s) &&
        validators->last_modified_s <= since_s)
        return HTTP_CONDITION_NOT_MODIFIED;
    return HTTP_CONDITION_HOLDS;
}

bool http_if_range_holds(const struct http_request *request,
                         const struct http_validators *validators, int64_t now_s)
{
    struct text value = http_request_field(request, TEXT("If-Range"));
    int64_t date_s;
    if (!value.data)
        return true;
    if (value.size > 0 && (value.data[0] == '"' || text_starts(value, TEXT("W/"))))
        return tag_matches(value, validators->etag, false);
    /* a date is a strong validator only when it is old enough not to change within its second
     * (8.8.2.2) */
    return has_date(validators) && http_date_parse(value, now_s, &date_s) &&
           validators->last_modified_s == date_s && now_s - date_s >= 1;
}
