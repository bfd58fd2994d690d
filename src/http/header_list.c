// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/header_list.h"

#include "http/fields.h"
#include "http/target.h"

#include <string.h>

enum {
    FIELD_OVERHEAD_BYTES = 32, /* RFC 9113 6.5.2 */
};

void http_header_list_init(struct http_header_list *list, struct arena *arena)
{
    *list = (struct http_header_list){.arena = arena};
}

/* --- single fields --- */

static bool is_lower_token(struct text name)
{
    uint8_t upper = 0;
    for (size_t i = 0; i < name.size; i++)
        upper |= name.data[i] >= 'A' && name.data[i] <= 'Z';
    return !upper && http_is_token(name);
}

static bool is_value(struct text value)
{
    if (value.size == 0)
        return true;
    char first = value.data[0], last = value.data[value.size - 1];
    return first != ' ' && first != '\t' && last != ' ' && last != '\t' &&
           http_field_value_is_clean(value);
}

/* Fields that HTTP/1 has for one connection (RFC 9113 8.2.2). */
static bool is_of_connection(struct text name, struct text value)
{
    switch (name.size) {
    case 2:
        return text_equal(name, TEXT("te")) && !text_equal_nocase(value, TEXT("trailers"));
    case 7:
        return text_equal(name, TEXT("upgrade"));
    case 10:
        return text_equal(name, TEXT("connection")) || text_equal(name, TEXT("keep-alive"));
    case 16:
        return text_equal(name, TEXT("proxy-connection"));
    case 17:
        return text_equal(name, TEXT("transfer-encoding"));
    default:
        return false;
    }
}

bool http_header_field_is_fine(struct text name, struct text value)
{
    return is_lower_token(name) && is_value(value) && !is_of_connection(name, value);
}

/* --- collecting --- */

static struct text *pseudo_slot(struct http_header_list *list, struct text name)
{
    if (text_equal(name, TEXT(":path")))
        return &list->path;
    if (text_equal(name, TEXT(":method")))
        return &list->method;
    if (text_equal(name, TEXT(":scheme")))
        return &list->scheme;
    return text_equal(name, TEXT(":authority")) ? &list->authority : NULL;
}

static bool has_room(struct http_header_list *list)
{
    return http_fields_have_room(list->arena, &list->fields, list->count, &list->capacity);
}

/* RFC 9113 8.2.3: crumbs become one field, as everyone behind expects. */
static bool joins_cookie(struct http_header_list *list, struct text name, struct text value)
{
    if (name.size != 6 || !text_equal(name, TEXT("cookie")))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        struct http_field *field = &list->fields[i];
        if (!text_equal(field->name, name))
            continue;
        field->value =
            arena_printf(list->arena, "%.*s; %.*s", TEXT_ARGS(field->value), TEXT_ARGS(value));
        list->is_oversize |= !field->value.data;
        return true;
    }
    return false;
}

static void keep_pseudo(struct http_header_list *list, struct text name, struct text value)
{
    struct text *slot = pseudo_slot(list, name);
    bool is_path = slot == &list->path; /* looked at as a target, which allows less */
    if (!slot || slot->data || list->has_regular || (!is_path && !is_value(value))) {
        list->is_malformed = true;
        return;
    }
    *slot = arena_text(list->arena, value);
    list->is_oversize |= !slot->data;
}

static void keep(struct http_header_list *list, struct text name, bool is_lasting,
                 struct text value)
{
    if (name.size > 0 && name.data[0] == ':') {
        keep_pseudo(list, name, value);
        return;
    }
    list->has_regular = true;
    if (!http_header_field_is_fine(name, value)) {
        list->is_malformed = true;
        return;
    }
    if (joins_cookie(list, name, value))
        return;
    struct text own_name = is_lasting ? name : arena_text(list->arena, name);
    struct text own_value = arena_text(list->arena, value);
    if (own_name.data && own_value.data && has_room(list))
        list->fields[list->count++] = (struct http_field){own_name, own_value};
    else
        list->is_oversize = true;
}

void http_header_list_add(struct http_header_list *list, struct text name, bool is_lasting,
                          struct text value, const struct http_limits *limits)
{
    list->size_bytes += name.size + value.size + FIELD_OVERHEAD_BYTES;
    if (list->size_bytes > limits->max_header_bytes || list->count >= limits->max_fields)
        list->is_oversize = true;
    if (!list->is_oversize)
        keep(list, name, is_lasting, value);
}

/* --- judging --- */

static enum http_header_verdict refuse(struct http_refusal *ret_why, unsigned status,
                                       const char *why)
{
    *ret_why = (struct http_refusal){status, why};
    return HTTP_HEADER_REFUSED;
}

/* RFC 9113 8.1.1: a length that DATA frames cannot keep makes the message malformed. */
static enum http_header_verdict judge_length(struct http_request *request, bool ends_here)
{
    size_t lengths = 0;
    request->content_length = ends_here ? 0 : UINT64_MAX;
    request->has_body = !ends_here;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name.size != 14 || !text_equal(field->name, TEXT("content-length")))
            continue;
        if (lengths++ || !text_to_u64(field->value, &request->content_length) ||
            request->content_length == UINT64_MAX || /* which says "unknown" here */
            (ends_here && request->content_length > 0))
            return HTTP_HEADER_MALFORMED;
    }
    return HTTP_HEADER_FINE;
}

/* RFC 9113 8.3.1: :authority, or Host in its place; never two that differ. */
static enum http_header_verdict judge_host(const struct http_header_list *list,
                                           struct http_request *request,
                                           struct http_refusal *ret_why)
{
    struct text authority = list->authority, host = TEXT_NONE;
    size_t hosts = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (request->fields[i].name.size == 4 &&
            text_equal(request->fields[i].name, TEXT("host"))) {
            host = request->fields[i].value;
            hosts++;
        }
    }
    if (hosts > 1 || (!authority.data && hosts == 0))
        return refuse(ret_why, 400, "there must be one :authority, or one Host field");
    request->host = http_host_normalise(list->arena, authority.data ? authority : host);
    if (!request->host.data)
        return refuse(ret_why, 400, "the authority is not a name with an optional port");
    if (authority.data && hosts &&
        !text_equal(http_host_normalise(list->arena, host), request->host))
        return refuse(ret_why, 400, ":authority names another host than Host does");
    return HTTP_HEADER_FINE;
}

static enum http_header_verdict judge_target(const struct http_header_list *list,
                                             const struct http_limits *limits,
                                             struct http_request *request,
                                             struct http_refusal *ret_why)
{
    struct http_target target;
    if (request->target.size > limits->max_target_bytes)
        return refuse(ret_why, 414, "the request target is too long");
    if (!http_target_parse(list->arena, request->target, &target, ret_why))
        return HTTP_HEADER_REFUSED;
    if (target.authority.data) /* :path is never an absolute form */
        return refuse(ret_why, 400, "the request target is not a path");
    if (target.is_asterisk && request->method != HTTP_METHOD_OPTIONS)
        return refuse(ret_why, 400, "the target * is for OPTIONS only");
    request->path = target.path;
    request->query = target.query;
    return HTTP_HEADER_FINE;
}

enum http_header_verdict http_header_list_finish(struct http_header_list *list,
                                                 const struct http_limits *limits, bool ends_here,
                                                 struct http_request *ret,
                                                 struct http_refusal *ret_why)
{
    *ret = (struct http_request){
        .version_major = 2,
        .keeps_alive = true,
        .method = http_method_of(list->method),
        .method_name = list->method,
        .target = list->path,
        .fields = list->fields,
        .field_count = list->count,
    };
    if (list->is_malformed)
        return HTTP_HEADER_MALFORMED;
    if (list->is_oversize && arena_overflowed(list->arena))
        return refuse(ret_why, 503, "out of memory for one request");
    if (list->is_oversize)
        return refuse(ret_why, 431, "the header is too long or has too many fields");
    /* CONNECT has no :scheme and :path (8.5), and nothing here can be connected to */
    if (text_equal(list->method, TEXT("CONNECT")))
        return refuse(ret_why, 501, "the method is not known here");
    if (list->method.size == 0 || list->scheme.size == 0 || list->path.size == 0)
        return HTTP_HEADER_MALFORMED;
    enum http_header_verdict verdict = judge_length(ret, ends_here);
    if (verdict == HTTP_HEADER_FINE && ret->method == HTTP_METHOD_OTHER &&
        !(limits->takes_any_method && http_is_token(list->method)))
        verdict = refuse(ret_why, 501, "the method is not known here");
    if (verdict == HTTP_HEADER_FINE)
        verdict = judge_host(list, ret, ret_why);
    if (verdict == HTTP_HEADER_FINE)
        verdict = judge_target(list, limits, ret, ret_why);
    if (verdict == HTTP_HEADER_REFUSED && !is_value(list->path))
        verdict = HTTP_HEADER_MALFORMED;
    return verdict;
}
