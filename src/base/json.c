// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "base/encode.h"

#include <assert.h>
#include <math.h>

enum { MAX_DEPTH = 32 };

void json_init(struct json *json, struct buffer *out) { *json = (struct json){.out = out}; }

static void before_value(struct json *json)
{
    if (json->after_name) {
        json->after_name = false;
        return;
    }
    if (json->has_items & 1U << json->depth)
        buffer_byte(json->out, ',');
    json->has_items |= 1U << json->depth;
}

static void open_with(struct json *json, char bracket)
{
    before_value(json);
    assert(json->depth + 1 < MAX_DEPTH);
    json->depth++;
    json->has_items &= ~(1U << json->depth);
    buffer_byte(json->out, (uint8_t)bracket);
}

static void close_with(struct json *json, char bracket)
{
    assert(json->depth > 0 && !json->after_name);
    json->depth--;
    buffer_byte(json->out, (uint8_t)bracket);
}

void json_begin_object(struct json *json) { open_with(json, '{'); }
void json_end_object(struct json *json) { close_with(json, '}'); }
void json_begin_array(struct json *json) { open_with(json, '['); }
void json_end_array(struct json *json) { close_with(json, ']'); }

void json_name(struct json *json, const char *name)
{
    assert(!json->after_name);
    before_value(json);
    size_t size = strlen(name);
    char *at = buffer_reserve(json->out, size + 3);
    if (at) {
        at[0] = '"';
        memcpy(at + 1, name, size);
        at[size + 1] = '"';
        at[size + 2] = ':';
        json->out->size += size + 3;
    }
    json->after_name = true;
}

static void escape(struct buffer *out, unsigned char c)
{
    static const char short_form[] = "btn_fr"; /* 0x08 to 0x0d */
    if (c == '"' || c == '\\')
        buffer_append(out, (char[]){'\\', (char)c}, 2);
    else if (c >= 0x08 && c <= 0x0d && c != 0x0b)
        buffer_append(out, (char[]){'\\', short_form[c - 0x08]}, 2);
    else
        buffer_printf(out, "\\u%04x", c);
}

/* Size of the UTF-8 sequence at the front, or 0 where the bytes are not UTF-8. */
static size_t utf8_size(struct text t)
{
    for (size_t size = 1; size <= 4 && size <= t.size; size++)
        if (text_is_utf8(text_make(t.data, size)))
            return size;
    return 0;
}

/* Size of the run at the front that is written as it is: ASCII but for controls, quote and
 * backslash. */
static size_t clean_size(struct text t)
{
    size_t i = 0;
    for (; i < t.size; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return i;
}

static void quote_clean(struct buffer *out, struct text value)
{
    char *at = buffer_reserve(out, value.size + 2);
    if (!at)
        return;
    at[0] = '"';
    bytes_copy(at + 1, value.data, value.size);
    at[value.size + 1] = '"';
    out->size += value.size + 2;
}

void json_quote(struct buffer *out, struct text value)
{
    if (clean_size(value) == value.size) {
        quote_clean(out, value);
        return;
    }
    buffer_byte(out, '"');
    size_t start = 0, i = 0;
    while (i < value.size) {
        unsigned char c = (unsigned char)value.data[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t run = c >= 0x80 ? utf8_size(text_from(value, i)) : 0;
        if (run) {
            i += run;
            continue;
        }
        buffer_append(out, value.data + start, i - start);
        if (c >= 0x80)
            buffer_text(out, TEXT("\xEF\xBF\xBD"));
        else
            escape(out, c);
        start = ++i;
    }
    if (i > start)
        buffer_append(out, value.data + start, i - start);
    buffer_byte(out, '"');
}

void json_text(struct json *json, struct text value)
{
    before_value(json);
    json_quote(json->out, value);
}

void json_i64(struct json *json, int64_t value)
{
    before_value(json);
    if (value < 0)
        buffer_byte(json->out, '-');
    buffer_decimal(json->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_u64(struct json *json, uint64_t value)
{
    before_value(json);
    buffer_decimal(json->out, value);
}

void json_double(struct json *json, double value, unsigned decimals)
{
    before_value(json);
    if (isfinite(value))
        buffer_printf(json->out, "%.*f", (int)decimals, value);
    else
        buffer_text(json->out, TEXT("null"));
}

void json_raw(struct json *json, struct text value)
{
    before_value(json);
    buffer_text(json->out, value);
}

void json_bool(struct json *json, bool value)
{
    json_raw(json, value ? TEXT("true") : TEXT("false"));
}
void json_write_null(struct json *json) { json_raw(json, TEXT("null")); }

void json_member_text(struct json *json, const char *name, struct text value)
{
    json_name(json, name);
    json_text(json, value);
}

void json_member_u64(struct json *json, const char *name, uint64_t value)
{
    json_name(json, name);
    json_u64(json, value);
}

void json_member_i64(struct json *json, const char *name, int64_t value)
{
    json_name(json, name);
    json_i64(json, value);
}

void json_member_bool(struct json *json, const char *name, bool value)
{
    json_name(json, name);
    json_bool(json, value);
}

void json_member_bytes(struct json *json, const char *name, const void *data, size_t size)
{
    json_name(json, name);
    before_value(json);
    buffer_byte(json->out, '"');
    encode_base64url(json->out, data, size);
    buffer_byte(json->out, '"');
}
