// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/fetch_state.h"
#include "http/caching_update.h"

#include <stdio.h>
#include <string.h>

/*
 * fetch_resume: a body that broke off is taken up where it broke (RFC 9110 13.1.5, 14): Range with
 * If-Range and what named its version when it began (caching_version_of()), so a changed one comes
 * as 200 and is not glued on.
 */

static bool was_ranged(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->request.field_count; i++)
        if (text_equal_nocase(fetch->request.fields[i].name, TEXT("Range")))
            return true;
    return false;
}

void fetch_resume_prepare(struct fetch *fetch, const struct http_response *response)
{
    struct caching_fields fields = {response->fields, response->field_count};
    struct text version = caching_version_of(fields, 0);
    fetch->length = response->framing == HTTP_BODY_LENGTH ? response->content_length : UINT64_MAX;
    if (fetch->request.method != HTTP_METHOD_GET || response->status != 200 || was_ranged(fetch) ||
        !version.data || version.size > sizeof fetch->validator)
        return;
    memcpy(fetch->validator, version.data, version.size);
    fetch->version = text_make(fetch->validator, version.size);
    fetch->may_resume = true;
}

/* Conditions of the request are about the whole: answered already. */
static bool is_condition(struct text name) { return text_starts_nocase(name, TEXT("If-")); }

bool fetch_resume_request(struct fetch *fetch, struct client_request *ret)
{
    struct http_field *fields = arena_alloc(fetch->arena, (ret->field_count + 2) * sizeof *fields);
    size_t count = 0;
    struct text range =
        arena_printf(fetch->arena, "bytes=%llu-", (unsigned long long)fetch->received);
    if (!fields || !range.data)
        return false;
    for (size_t i = 0; i < ret->field_count; i++)
        if (!is_condition(ret->fields[i].name))
            fields[count++] = ret->fields[i];
    fields[count++] = (struct http_field){TEXT("Range"), range};
    fields[count++] = (struct http_field){TEXT("If-Range"), fetch->version};
    ret->fields = fields;
    ret->field_count = count;
    return true;
}

/* "bytes FIRST-LAST/LENGTH" from where we are to the end. */
static bool goes_on(const struct fetch *fetch, struct text content_range)
{
    uint64_t first, last, length;
    struct text rest = content_range, part;
    if (!text_starts_nocase(rest, TEXT("bytes ")))
        return false;
    rest = text_from(rest, 6);
    if (!text_split(&rest, '-', &part) || !text_to_u64(part, &first) ||
        !text_split(&rest, '/', &part) || !text_to_u64(part, &last) || !text_to_u64(rest, &length))
        return false;
    return first == fetch->received && last >= first && last + 1 == length &&
           (fetch->length == UINT64_MAX || fetch->length == length);
}

bool fetch_resume_fits(const struct fetch *fetch, const struct http_response *response)
{
    struct caching_fields fields = {response->fields, response->field_count};
    return response->status == 206 && caching_is_version(fields, fetch->version) &&
           goes_on(fetch, http_response_field(response, TEXT("Content-Range")));
}
