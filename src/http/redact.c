// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/redact.h"

#include "base/octets.h"
#include "http/escape.h"

/* The longest secret name, every byte escaped. */
enum { NAME_MAX_BYTES = 3 * 8 };

/* A name of one byte, as most are that are asked for often; what cannot be decoded is secret. */
static bool is_short_secret(char name)
{
    static const char secrets[] = "ptsgPTSG%"; /* and NUL */
    return memchr(secrets, name, sizeof secrets) != NULL;
}

static bool is_secret(struct text encoded_name)
{
    static const struct text secrets[] = {
        TEXT_INIT("p"), TEXT_INIT("t"),        TEXT_INIT("s"),    TEXT_INIT("apiKey"),
        TEXT_INIT("g"), TEXT_INIT("password"), TEXT_INIT("code"), TEXT_INIT("token"),
    };
    char decoded[NAME_MAX_BYTES];
    if (encoded_name.size == 1)
        return is_short_secret(encoded_name.data[0]);
    if (encoded_name.size > sizeof decoded)
        return false;
    size_t size = http_unescape(encoded_name, HTTP_UNESCAPE_FORM, decoded);
    if (size == SIZE_MAX)
        return true; /* who knows what it was meant to be */
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
        if (text_equal_nocase(text_make(decoded, size), secrets[i]))
            return true;
    return false;
}

static bool needs_escape(char byte)
{
    return (unsigned char)(byte - 0x20) > 0x7e - 0x20 || byte == '"' || byte == '\\';
}

static octets need_escape(octets bytes)
{
    return (octets)(bytes - 0x20 > 0x7e - 0x20) | (octets)(bytes == '"') | (octets)(bytes == '\\');
}

void http_escape_for_log(struct buffer *out, struct text value)
{
    if (!octets_any(value, need_escape)) {
        buffer_text(out, value);
        return;
    }
    size_t plain = 0; /* start of a run that needs no escape */
    for (size_t i = 0; i < value.size; i++) {
        if (!needs_escape(value.data[i]))
            continue;
        buffer_append(out, value.data + plain, i - plain);
        buffer_printf(out, "\\x%02x", (unsigned char)value.data[i]);
        plain = i + 1;
    }
    buffer_append(out, value.data + plain, value.size - plain);
}

void http_redact_target(struct buffer *out, struct text target)
{
    size_t question = text_find_byte(target, '?');
    http_escape_for_log(out, question == SIZE_MAX ? target : text_make(target.data, question + 1));
    struct text rest = question == SIZE_MAX ? TEXT_NONE : text_from(target, question + 1), part;
    for (bool is_first = true; text_split(&rest, '&', &part); is_first = false) {
        size_t equals = text_find_byte(part, '=');
        if (!is_first)
            buffer_text(out, TEXT("&"));
        if (equals != SIZE_MAX && is_secret(text_make(part.data, equals))) {
            http_escape_for_log(out, text_make(part.data, equals + 1));
            buffer_text(out, TEXT("[redacted]"));
        } else {
            http_escape_for_log(out, part);
        }
    }
}
