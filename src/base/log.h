// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include <stdatomic.h>

/*
 * log: one event, one line, with fields.
 *
 * Programs log, libraries return; so only programs/, io/'s server (access log) and long-running
 * services (library scan, journal apply) hold a logger.  The sink is a callback given at birth
 * (base does no I/O); it is called with one whole line, without its newline, from whichever thread
 * logs.  Field names are literals. Values named in the redaction list of log.c (secrets, tokens,
 * grants) never reach the sink.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

typedef void log_sink(void *context, enum log_level level, struct text line);
typedef int64_t log_clock(void); /* Unix time in ms */

struct logger {
    log_sink *sink;
    void *context;
    log_clock *now_ms; /* NULL leaves the time out (journald has its own) */
    /* May change while other threads log; the rest stays as it was at birth. */
    _Atomic enum log_level least;
    _Atomic enum log_format format;
};

struct log_field {
    const char *name;
    struct text value;
};

/*
 * LOG(logger, LOG_INFO, "scan finished", {"files", count_text}, {"path", path});
 * A NULL logger is allowed and logs nothing.
 */
void log_event(const struct logger *logger, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count);
#define LOG(logger, level, event, ...)                                             \
    log_event((logger), (level), (event), (const struct log_field[]){__VA_ARGS__}, \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define LOG_EVENT(logger, level, event) log_event((logger), (level), (event), NULL, 0)

/* A number or an errno as field value, in caller's storage: LOG_NUMBER(n). */
struct log_number {
    char digits[24];
};
struct text log_number(struct log_number *storage, int64_t value);
#define LOG_NUMBER(value) log_number(&(struct log_number){{0}}, (int64_t)(value))
struct text log_errno(int error); /* static text of strerrordesc_np; accepts errno or -errno */

const char *log_level_name(enum log_level level);
bool log_level_from(struct text name, enum log_level *ret);
