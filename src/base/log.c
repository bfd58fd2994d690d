// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/log.h"

#include "base/json.h"
#include "base/timestamp.h"

enum { LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const char *const secret_names[] = {"password", "secret", "token",
                                           "grant",    "apiKey", "authorization"};

const char *log_level_name(enum log_level level) { return level_names[level]; }

bool log_level_from(struct text name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (text_equal(name, text_of(level_names[i]))) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

struct text log_number(struct log_number *storage, int64_t value)
{
    int size = snprintf(storage->digits, sizeof storage->digits, "%lld", (long long)value);
    return text_make(storage->digits, (size_t)size);
}

struct text log_errno(int error)
{
    const char *words = strerrordesc_np(error < 0 ? -error : error);
    return text_of(words ? words : "unknown error");
}

static struct text shown_value(const struct log_field *field)
{
    for (size_t i = 0; i < ARRAY_SIZE(secret_names); i++)
        if (text_equal_nocase(text_of(field->name), text_of(secret_names[i])))
            return TEXT("[redacted]");
    return field->value;
}

static void write_json(struct buffer *line, const struct logger *logger, enum log_level level,
                       const char *event, const struct log_field *fields, size_t field_count)
{
    struct json json;
    json_init(&json, line);
    json_begin_object(&json);
    if (logger->now_ms) {
        struct timestamp_text when;
        json_member_text(&json, "time", timestamp_rfc3339(&when, logger->now_ms()));
    }
    json_member_text(&json, "level", text_of(level_names[level]));
    json_member_text(&json, "event", text_of(event));
    for (size_t i = 0; i < field_count; i++)
        json_member_text(&json, fields[i].name, shown_value(&fields[i]));
    json_end_object(&json);
}

static void write_text(struct buffer *line, const struct logger *logger, enum log_level level,
                       const char *event, const struct log_field *fields, size_t field_count)
{
    struct timestamp_text when;
    if (logger->now_ms)
        buffer_printf(line, "%.*s ", TEXT_ARGS(timestamp_rfc3339(&when, logger->now_ms())));
    if (level != LOG_INFO)
        buffer_printf(line, "%s: ", level_names[level]);
    buffer_text(line, text_of(event));
    for (size_t i = 0; i < field_count; i++) {
        buffer_printf(line, " %s=", fields[i].name);
        json_quote(line, shown_value(&fields[i]));
    }
}

void log_event(const struct logger *logger, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count)
{
    if (!logger || level < atomic_load_explicit(&logger->least, memory_order_relaxed))
        return;
    struct buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    if (atomic_load_explicit(&logger->format, memory_order_relaxed) == LOG_FORMAT_JSON)
        write_json(&line, logger, level, event, fields, field_count);
    else
        write_text(&line, logger, level, event, fields, field_count);
    if (line.overflowed) { /* too long to show whole: the event alone still is a valid line */
        buffer_reset(&line);
        write_json(&line, logger, level, event, NULL, 0);
    }
    logger->sink(logger->context, level, buffer_view(&line));
    buffer_release(&line);
}
