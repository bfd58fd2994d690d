// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/message.h"

#include "http/fields.h"

#include <string.h>

enum { FIRST_FIELDS = 16 };

bool http_fields_have_room(struct arena *arena, struct http_field **fields, size_t count,
                           size_t *capacity)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : FIRST_FIELDS;
    struct http_field *grown = arena_alloc(arena, more * sizeof *grown);
    if (!grown)
        return false;
    bytes_copy(grown, *fields, count * sizeof *grown);
    *fields = grown;
    *capacity = more;
    return true;
}

struct text http_request_field(const struct http_request *request, struct text name)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (text_equal_nocase(request->fields[i].name, name))
            return request->fields[i].value;
    return TEXT_NONE;
}

static const struct {
    struct text name;
    enum http_method method;
} methods[] = {
    {TEXT_INIT("GET"), HTTP_METHOD_GET},       {TEXT_INIT("HEAD"), HTTP_METHOD_HEAD},
    {TEXT_INIT("POST"), HTTP_METHOD_POST},     {TEXT_INIT("PUT"), HTTP_METHOD_PUT},
    {TEXT_INIT("DELETE"), HTTP_METHOD_DELETE}, {TEXT_INIT("OPTIONS"), HTTP_METHOD_OPTIONS},
    {TEXT_INIT("PATCH"), HTTP_METHOD_PATCH},
};

enum http_method http_method_of(struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (text_equal(methods[i].name, name))
            return methods[i].method;
    return HTTP_METHOD_OTHER;
}

struct text http_method_name(enum http_method method)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (methods[i].method == method)
            return methods[i].name;
    return TEXT("-");
}

const char *http_reason(unsigned status)
{
    switch (status) {
#define STATUS(code, reason) \
    case code:               \
        return reason;
#include "http/status.def"
#undef STATUS
    default:
        return "Unknown";
    }
}
