// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/answer.h"

#include "base/timestamp.h"

#include <assert.h>
#include <inttypes.h>

static bool is_xml(const struct answer *answer) { return answer->format == ANSWER_XML; }

void answer_init(struct answer *answer, struct buffer *out, enum answer_format format,
                 struct text callback, bool is_plain)
{
    *answer = (struct answer){.out = out, .format = format, .is_plain = is_plain};
    json_init(&answer->json, out);
    if (format == ANSWER_JSONP)
        buffer_printf(out, "/**/%.*s(",
                      TEXT_ARGS(callback)); /* the comment keeps sniffers from seeing a file */
}

const char *answer_content_type(enum answer_format format)
{
    switch (format) {
    case ANSWER_JSON:
        return "application/json";
    case ANSWER_JSONP:
        return "text/javascript; charset=utf-8";
    case ANSWER_XML:
        break;
    }
    return "text/xml; charset=utf-8";
}

bool answer_callback_is_safe(struct text callback)
{
    if (!callback.size || callback.size > 100)
        return false;
    for (size_t i = 0; i < callback.size; i++) {
        char c = callback.data[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && c != '_' && c != '$' && c != '.' && c != '[' && c != ']')
            return false;
    }
    return true;
}

/* --- XML --- */

/* Size of the sequence at the front that may stand in XML 1.0 (2.2 Char), or 0. */
static size_t xml_char_size(struct text t)
{
    unsigned char c = (unsigned char)t.data[0];
    if (c < 0x80)
        return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    for (size_t size = 2; size <= 4 && size <= t.size; size++)
        if (text_is_utf8(text_make(t.data, size)))
            return size == 3 && (!memcmp(t.data, "\xEF\xBF\xBE", 3) ||
                                 !memcmp(t.data, "\xEF\xBF\xBF", 3))
                       ? 0
                       : size;
    return 0;
}

static struct text xml_entity(char c)
{
    switch (c) {
    case '&':
        return TEXT("&amp;");
    case '<':
        return TEXT("&lt;");
    case '>':
        return TEXT("&gt;");
    case '"':
        return TEXT("&quot;");
    case '\t':
        return TEXT("&#9;");
    case '\n':
        return TEXT("&#10;");
    case '\r':
        return TEXT("&#13;");
    default:
        return TEXT_NONE;
    }
}

static void xml_escape(struct buffer *out, struct text value)
{
    size_t start = 0, i = 0;
    while (i < value.size) {
        struct text entity = xml_entity(value.data[i]);
        size_t size = entity.size ? 0 : xml_char_size(text_from(value, i));
        if (size) {
            i += size;
            continue;
        }
        buffer_append(out, value.data + start, i - start);
        buffer_text(out, entity.size ? entity : TEXT("\xEF\xBF\xBD"));
        start = ++i;
    }
    if (i > start)
        buffer_append(out, value.data + start, i - start);
}

static void xml_close_tag(struct answer *answer)
{
    for (unsigned i = answer->depth; i-- > 0;)
        if (!answer->levels[i].is_list) {
            if (answer->levels[i].tag_is_open)
                buffer_byte(answer->out, '>');
            answer->levels[i].tag_is_open = false;
            return;
        }
}

static void xml_open_tag(struct answer *answer, const char *name)
{
    xml_close_tag(answer);
    buffer_printf(answer->out, "<%s", name);
}

static void xml_attribute(struct answer *answer, const char *name, struct text value)
{
    assert(answer->depth && answer->levels[answer->depth - 1].tag_is_open);
    buffer_byte(answer->out, ' ');
    buffer_text(answer->out, text_of(name));
    buffer_append(answer->out, "=\"", 2);
    xml_escape(answer->out, value);
    buffer_byte(answer->out, '"');
}

static void xml_text_element(struct answer *answer, const char *name, struct text value)
{
    xml_open_tag(answer, name);
    buffer_byte(answer->out, '>');
    xml_escape(answer->out, value);
    buffer_printf(answer->out, "</%s>", name);
}

/* --- nesting --- */

static void push(struct answer *answer, const char *name, bool is_list)
{
    assert(answer->depth < ANSWER_DEPTH);
    answer->levels[answer->depth++] = (struct answer_level){
        .name = name, .is_list = is_list, .tag_is_open = !is_list && is_xml(answer)};
}

void answer_begin(struct answer *answer, const char *name)
{
    if (is_xml(answer)) {
        xml_open_tag(answer, name);
    } else {
        json_name(&answer->json, name);
        json_begin_object(&answer->json);
    }
    push(answer, name, false);
}

void answer_list(struct answer *answer, const char *name)
{
    if (is_xml(answer)) {
        xml_close_tag(answer);
    } else {
        json_name(&answer->json, name);
        json_begin_array(&answer->json);
    }
    push(answer, name, true);
}

void answer_item(struct answer *answer)
{
    assert(answer->depth && answer->levels[answer->depth - 1].is_list);
    const char *name = answer->levels[answer->depth - 1].name;
    if (is_xml(answer))
        xml_open_tag(answer, name);
    else
        json_begin_object(&answer->json);
    push(answer, name, false);
}

void answer_end(struct answer *answer)
{
    assert(answer->depth);
    struct answer_level *level = &answer->levels[--answer->depth];
    if (!is_xml(answer)) {
        if (level->is_list)
            json_end_array(&answer->json);
        else
            json_end_object(&answer->json);
    } else if (level->tag_is_open) {
        buffer_text(answer->out, TEXT("/>"));
    } else if (!level->is_list) {
        buffer_printf(answer->out, "</%s>", level->name);
    }
}

void answer_open(struct answer *answer, const char *status, struct text server_version)
{
    if (is_xml(answer)) {
        buffer_text(answer->out, TEXT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                      "<subsonic-response xmlns=\"http://subsonic.org/restapi\""));
    } else {
        json_begin_object(&answer->json);
        json_name(&answer->json, "subsonic-response");
        json_begin_object(&answer->json);
    }
    push(answer, "subsonic-response", false);
    answer_text(answer, "status", text_of(status));
    answer_text(answer, "version", TEXT("1.16.1"));
    if (answer->is_plain)
        return;
    answer_text(answer, "type", TEXT("sostenuto"));
    answer_text(answer, "serverVersion", server_version);
    answer_bool(answer, "openSubsonic", true);
}

void answer_close(struct answer *answer)
{
    assert(answer->depth == 1);
    answer_end(answer);
    if (!is_xml(answer))
        json_end_object(&answer->json);
    if (answer->format == ANSWER_JSONP)
        buffer_text(answer->out, TEXT(");"));
}

/* --- members --- */

void answer_text(struct answer *answer, const char *name, struct text value)
{
    if (is_xml(answer))
        xml_attribute(answer, name, value);
    else
        json_member_text(&answer->json, name, value);
}

static struct text digits_of(char digits[static 24], uint64_t value)
{
    return text_make(digits, (size_t)snprintf(digits, 24, "%" PRIu64, value));
}

void answer_u64(struct answer *answer, const char *name, uint64_t value)
{
    if (is_xml(answer))
        xml_attribute(answer, name, digits_of((char[24]){0}, value));
    else
        json_member_u64(&answer->json, name, value);
}

void answer_i64(struct answer *answer, const char *name, int64_t value)
{
    char digits[24];
    if (is_xml(answer))
        xml_attribute(
            answer, name,
            text_make(digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value)));
    else
        json_member_i64(&answer->json, name, value);
}

void answer_bool(struct answer *answer, const char *name, bool value)
{
    if (is_xml(answer))
        xml_attribute(answer, name, value ? TEXT("true") : TEXT("false"));
    else
        json_member_bool(&answer->json, name, value);
}

void answer_double(struct answer *answer, const char *name, double value, unsigned decimals)
{
    if (!is_xml(answer)) {
        json_name(&answer->json, name);
        json_double(&answer->json, value, decimals);
        return;
    }
    char digits[352]; /* the longest double without an exponent, and its decimals */
    int size = snprintf(digits, sizeof(digits), "%.*f", (int)decimals, value);
    xml_attribute(answer, name, text_make(digits, (size_t)size));
}

void answer_date(struct answer *answer, const char *name, int64_t unix_ms)
{
    struct timestamp_text storage;
    answer_text(answer, name, timestamp_rfc3339(&storage, unix_ms));
}

void answer_some_text(struct answer *answer, const char *name, struct text value)
{
    if (value.size)
        answer_text(answer, name, value);
}

void answer_some_u64(struct answer *answer, const char *name, uint64_t value)
{
    if (value)
        answer_u64(answer, name, value);
}

void answer_some_date(struct answer *answer, const char *name, int64_t unix_ms)
{
    if (unix_ms)
        answer_date(answer, name, unix_ms);
}

void answer_value(struct answer *answer, struct text value)
{
    if (!is_xml(answer)) {
        json_member_text(&answer->json, "value", value);
        return;
    }
    assert(answer->levels[answer->depth - 1].tag_is_open);
    xml_close_tag(answer);
    xml_escape(answer->out, value);
}

void answer_element(struct answer *answer, const char *name, struct text value)
{
    if (is_xml(answer))
        xml_text_element(answer, name, value);
    else
        json_member_text(&answer->json, name, value);
}

void answer_list_text(struct answer *answer, struct text value)
{
    assert(answer->depth && answer->levels[answer->depth - 1].is_list);
    if (is_xml(answer))
        xml_text_element(answer, answer->levels[answer->depth - 1].name, value);
    else
        json_text(&answer->json, value);
}

void answer_list_u64(struct answer *answer, uint64_t value)
{
    if (is_xml(answer))
        answer_list_text(answer, digits_of((char[24]){0}, value));
    else
        json_u64(&answer->json, value);
}
