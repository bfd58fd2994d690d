// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/render.h"

#include "api/answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

enum render_format render_format_of(struct text f, struct text callback)
{
    if (text_equal(f, TEXT("jsonp")))
        return answer_callback_is_safe(callback) ? RENDER_JSONP : RENDER_JSON;
    return text_equal(f, TEXT("json")) ? RENDER_JSON : RENDER_XML;
}

const char *render_type(enum render_format format)
{
    switch (format) {
    case RENDER_JSON:
        return "application/json";
    case RENDER_JSONP:
        return "application/javascript";
    case RENDER_XML:
        return "text/xml; charset=utf-8";
    }
    return "";
}

/* --- XML --- */

static bool is_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return *name && !strchr("0123456789-.", *name) && name[strspn(name, letters)] == '\0';
}

/* What stands for a character in XML; NULL: itself. */
static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\n':
        return "&#10;";
    case '\t':
        return "&#9;";
    default:
        return (unsigned char)c < ' ' ? "" : NULL; /* XML 1.0 has no way to write these */
    }
}

static void put_text(struct buffer *out, const char *t)
{
    for (; *t; t++) {
        const char *escape = escape_of(*t);
        if (strncmp(t, "\xef\xbf\xbe", 3) == 0 || strncmp(t, "\xef\xbf\xbf", 3) == 0)
            t += 2; /* U+FFFE and U+FFFF, nor these */
        else if (escape)
            buffer_text(out, text_of(escape));
        else
            buffer_append(out, t, 1);
    }
}

static void put_scalar(struct buffer *out, const json_t *value)
{
    if (json_is_string(value))
        put_text(out, json_string_value(value));
    else if (json_is_integer(value))
        buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        buffer_printf(out, "%.6g", json_real_value(value));
    else if (json_is_boolean(value))
        buffer_text(out, json_is_true(value) ? TEXT("true") : TEXT("false"));
}

static bool is_nested(const json_t *value) { return json_is_object(value) || json_is_array(value); }

static bool is_attribute(const char *name, const json_t *value)
{
    return !is_nested(value) && !json_is_null(value) && strcmp(name, "value") != 0 && is_name(name);
}

static void put_attributes(struct buffer *out, const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!is_attribute(name, value))
            continue;
        buffer_printf(out, " %s=\"", name);
        put_scalar(out, value);
        buffer_text(out, TEXT("\""));
    }
}

static void put_element(struct buffer *out, const char *name, const json_t *value, unsigned depth);

static void put_children(struct buffer *out, const json_t *object, unsigned depth)
{
    const char *name;
    json_t *value, *item;
    size_t at;
    put_scalar(out, json_object_get(object, "value"));
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (json_is_object(value))
            put_element(out, name, value, depth + 1);
        json_array_foreach(value, at, item) put_element(out, name, item, depth + 1);
    }
}

static void put_element(struct buffer *out, const char *name, const json_t *value, unsigned depth)
{
    if (depth > DEPTH_MAX || !is_name(name))
        return;
    buffer_printf(out, "<%s", name);
    put_attributes(out, value);
    buffer_text(out, TEXT(">"));
    if (json_is_object(value))
        put_children(out, value, depth);
    else
        put_scalar(out, value);
    buffer_printf(out, "</%s>", name);
}

/* --- the whole --- */

static json_t *envelope(const struct render *render, const char *status)
{
    json_t *whole = json_object();
    if (render->envelope)
        (void)json_object_update(whole, (json_t *)(uintptr_t)render->envelope);
    if (!json_object_get(whole, "version"))
        (void)json_object_set_new(whole, "version", json_string("1.13.0"));
    (void)json_object_set_new(whole, "status", json_string(status));
    return whole;
}

static void put_json(const struct render *render, json_t *response, struct buffer *out)
{
    json_t *whole = json_pack("{sO}", "subsonic-response", response);
    char *bytes = json_dumps(whole, JSON_COMPACT);
    bool is_called = render->format == RENDER_JSONP;
    if (is_called)
        buffer_printf(out, "%.*s(", TEXT_ARGS(render->callback));
    buffer_text(out, text_of(bytes));
    if (is_called)
        buffer_text(out, TEXT(");"));
    free(bytes); /* jansson's */
    json_decref(whole);
}

static void put(const struct render *render, json_t *response, struct buffer *out)
{
    if (render->format != RENDER_XML) {
        put_json(render, response, out);
    } else {
        (void)json_object_set_new(response, "xmlns", json_string("http://subsonic.org/restapi"));
        buffer_text(out, TEXT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        put_element(out, "subsonic-response", response, 0);
    }
    json_decref(response);
}

void render_ok(const struct render *render, const char *name, const json_t *body,
               struct buffer *out)
{
    json_t *response = envelope(render, "ok");
    if (name && body)
        (void)json_object_set(response, name, (json_t *)(uintptr_t)body);
    put(render, response, out);
}

void render_error(const struct render *render, int code, const char *message, struct buffer *out)
{
    json_t *response = envelope(render, "failed");
    (void)json_object_set_new(response, "error",
                              json_pack("{siss}", "code", code, "message", message));
    put(render, response, out);
}
