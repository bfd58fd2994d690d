// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/response_list.h"

#include "http/header_list.h"

#include <string.h>

enum {
    FIELD_OVERHEAD_BYTES = 32, /* RFC 9113 6.5.2 */
};

void http_response_list_init(struct http_response_list *list, struct arena *arena)
{
    *list = (struct http_response_list){.arena = arena};
}

/* --- collecting --- */

static bool has_room(struct http_response_list *list)
{
    return http_fields_have_room(list->arena, &list->fields, list->count, &list->capacity);
}

/* Three digits, once, before any other field. */
static bool take_status(struct http_response_list *list, struct text value)
{
    uint64_t status;
    if (list->status || list->count || value.size != 3 || !text_to_u64(value, &status) ||
        status < 100 || status > 599)
        return false;
    list->status = (unsigned)status;
    return true;
}

static void keep(struct http_response_list *list, struct text name, struct text value)
{
    struct text own_name = arena_text(list->arena, name);
    struct text own_value = arena_text(list->arena, value);
    if (own_name.data && own_value.data && has_room(list))
        list->fields[list->count++] = (struct http_field){own_name, own_value};
    else
        list->is_oversize = true;
}

void http_response_list_add(struct http_response_list *list, struct text name, struct text value,
                            const struct http_limits *limits)
{
    list->size_bytes += name.size + value.size + FIELD_OVERHEAD_BYTES;
    if (list->size_bytes > limits->max_header_bytes || list->count >= limits->max_fields)
        list->is_oversize = true;
    if (list->is_oversize || list->is_malformed)
        return;
    if (text_equal(name, TEXT(":status")))
        list->is_malformed = !take_status(list, value);
    else if (list->status == 0 || !http_header_field_is_fine(name, value))
        list->is_malformed = true;
    else
        keep(list, name, value);
}

/* --- judging --- */

static bool refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

/* RFC 9113 8.1.1 */
static bool take_length(const struct http_response_list *list, struct http_response *response)
{
    size_t lengths = 0;
    response->content_length = UINT64_MAX;
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->fields[i].name, TEXT("content-length")) &&
            (lengths++ || !text_to_u64(list->fields[i].value, &response->content_length) ||
             response->content_length == UINT64_MAX))
            return false;
    return true;
}

bool http_response_list_finish(struct http_response_list *list, enum http_method asked,
                               bool ends_here, struct http_response *ret, const char **ret_why)
{
    struct http_response response = {.status = list->status,
                                     .version_minor = 1,
                                     .fields = list->fields,
                                     .field_count = list->count,
                                     .keeps_alive = true};
    if (list->is_oversize)
        return refuse(ret_why, "the answer's header does not fit");
    if (list->is_malformed || list->status == 0)
        return refuse(ret_why, "the answer's header has what may not be there");
    if (list->status == 101 || (list->status < 200 && ends_here))
        return refuse(ret_why, "an interim answer that is none");
    if (!take_length(list, &response))
        return refuse(ret_why, "Content-Length is not one number");
    bool is_bodiless = asked == HTTP_METHOD_HEAD || list->status < 200 || list->status == 204 ||
                       list->status == 304;
    bool states_more = response.content_length > 0 && response.content_length != UINT64_MAX;
    if (ends_here && states_more && !is_bodiless)
        return refuse(ret_why, "the answer is shorter than its Content-Length");
    if (is_bodiless || ends_here || response.content_length == 0)
        response.framing = HTTP_BODY_NONE;
    else
        response.framing = states_more ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED;
    *ret = response;
    return true;
}
