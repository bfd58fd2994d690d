// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/digits.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "http/redact.h"
#include "io/loop.h"
#include "io/server_state.h"

#include <string.h>

/*
 * access_log: one line per request in the combined format, with secrets redacted:
 *   address - user [21/Nov/2026:18:48:56 +0000] "GET /rest/ping?u=joe&p=[redacted] HTTP/1.1" 200 52
 * "referer" "agent" Authorization and Cookie are never looked at.
 *
 * Each loop gathers its lines and writes them together: at 32 KiB, or 200 ms after the first, so a
 * busy server writes once for hundreds and a quiet one soon.  Draining and closing write the rest.
 */
enum { WRITE_AFTER_US = 200 * 1000 };

static void write_time(struct access_log *log, int64_t unix_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (log->time_s != unix_s || log->time_text[0] == '\0') {
        struct civil civil = civil_from_unix(unix_s);
        char *form = log->time_text;
        memcpy(form, "[00/Mmm/0000:00:00:00 +0000]", sizeof log->time_text);
        digits_fixed(form + 1, civil.day, 2);
        memcpy(form + 4, months + 3 * (civil.month - 1), 3);
        digits_fixed(form + 8, (unsigned)civil.year, 4);
        digits_fixed(form + 13, civil.hour, 2);
        digits_fixed(form + 16, civil.minute, 2);
        digits_fixed(form + 19, civil.second, 2);
        log->time_s = unix_s;
    }
    buffer_append(&log->lines, log->time_text, sizeof log->time_text - 1);
}

static void write_quoted(struct buffer *line, struct text value)
{
    buffer_text(line, TEXT(" \""));
    if (value.size > 0)
        http_redact_target(line, value);
    else
        buffer_text(line, TEXT("-"));
    buffer_text(line, TEXT("\""));
}

static struct text version_of(const struct http_request *request)
{
    if (request->version_major == 2)
        return TEXT(" HTTP/2.0\"");
    return request->version_minor == 0 ? TEXT(" HTTP/1.0\"") : TEXT(" HTTP/1.1\"");
}

static void write_request_line(struct buffer *line, const struct http_request *request)
{
    buffer_text(line, TEXT(" \""));
    if (request->target.size == 0) { /* refused before it could be read */
        buffer_text(line, TEXT("-\""));
        return;
    }
    buffer_text(line, http_method_name(request->method));
    buffer_text(line, TEXT(" "));
    http_redact_target(line, request->target);
    buffer_text(line, version_of(request));
}

static void count(unsigned status)
{
    if (status >= 500)
        counter_add(COUNTER_RESPONSES_SERVER_ERROR, 1);
    else if (status >= 400)
        counter_add(COUNTER_RESPONSES_CLIENT_ERROR, 1);
    else if (status >= 300)
        counter_add(COUNTER_RESPONSES_REDIRECT, 1);
    else
        counter_add(COUNTER_RESPONSES_SUCCESS, 1);
}

/* --- the lines of one loop --- */

void access_log_flush(struct server *server)
{
    struct buffer *lines = &server->log.lines;
    if (lines->size > 0)
        server->config.access_sink(server->config.access_context, buffer_view(lines));
    buffer_reset(lines);
}

/* --- of all loops --- */

struct log_flush {
    struct server *home; /* NULL: it was freed meanwhile */
    atomic_uint loops_left;
    void (*done)(void *context);
    void *context;
};

static void on_all_flushed(void *context)
{
    struct log_flush *flush = context;
    if (flush->home) {
        flush->home->log_flush = NULL;
        flush->done(flush->context);
    }
    mem_free(flush);
}

static void flush_one(void *context)
{
    struct server *server = context;
    struct log_flush *flush = server->home->log_flush;
    access_log_flush(server);
    if (atomic_fetch_sub(&flush->loops_left, 1) == 1)
        loop_post(server->home->loop, on_all_flushed, flush);
}

bool server_flush_log(struct server *server, void (*done)(void *context), void *context)
{
    if (server->log_flush)
        return false;
    server->log_flush = MEM_NEW(struct log_flush);
    server->log_flush->home = server;
    server->log_flush->loops_left = loop_group_count(server->group);
    server->log_flush->done = done;
    server->log_flush->context = context;
    server_on_each_loop(server, flush_one);
    return true;
}

void access_log_forget_flush(struct server *home)
{
    if (home->log_flush)
        home->log_flush->home = NULL; /* on_all_flushed() comes yet, from the home loop's queue */
}

/* --- gathering --- */

static void on_time(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    access_log_flush(CONTAINER_OF(timer, struct server, log.timer));
}

void access_log_init(struct server *server)
{
    /* the last line: all of a header, every byte written \xNN, and what is ours */
    size_t line_max = (size_t)server->config.limits.max_header_bytes * 4 + 1024;
    buffer_init(&server->log.lines, SERVER_LOG_BYTES + line_max);
    server->log.timer.on_timer = on_time;
}

void access_log_release(struct server *server)
{
    access_log_flush(server);
    buffer_release(&server->log.lines);
}

static void line_written(struct server *server)
{
    struct access_log *log = &server->log;
    if (log->lines.size >= SERVER_LOG_BYTES)
        access_log_flush(server);
    else if (!log->timer._position && !server->is_shut)
        loop_timer_start(server->loop, &log->timer, loop_now_us(server->loop) + WRITE_AFTER_US);
}

void access_log_write(const struct exchange *exchange)
{
    struct server *server = exchange->server;
    count(exchange->answer.status);
    if (!server || !server->config.access_sink)
        return;
    struct buffer *line = &server->log.lines;
    buffer_text(line, text_of(exchange->peer.address));
    buffer_text(line, TEXT(" - "));
    struct text user = exchange->user.size > 0 ? exchange->user : TEXT("-");
    user.size = user.size < SERVER_LOG_USER_BYTES ? user.size : SERVER_LOG_USER_BYTES;
    http_escape_for_log(line, user);
    buffer_text(line, TEXT(" "));
    write_time(&server->log, exchange->now_ms / 1000);
    write_request_line(line, &exchange->request);
    buffer_text(line, TEXT(" "));
    buffer_decimal(line, exchange->answer.status);
    buffer_text(line, TEXT(" "));
    buffer_decimal(line, exchange->sent_bytes);
    write_quoted(line, http_request_field(&exchange->request, TEXT("Referer")));
    write_quoted(line, http_request_field(&exchange->request, TEXT("User-Agent")));
    buffer_text(line, TEXT("\n"));
    line_written(server);
}
