// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/timestamp.h"
#include "http/redact.h"
#include "io/server_state.h"

#include <inttypes.h>

/*
 * access_log: one line per request in the combined format, with secrets redacted:
 *   address - user [21/Nov/2026:18:48:56 +0000] "GET /rest/ping?u=joe&p=[redacted] HTTP/1.1" 200 52
 * "referer" "agent" Authorization and Cookie are never looked at.
 */
static void write_time(struct buffer *line, int64_t unix_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil civil = civil_from_unix(unix_ms / 1000);
    buffer_printf(line, "[%02u/%.3s/%04d:%02u:%02u:%02u +0000]", civil.day,
                  months + 3 * (civil.month - 1), (int)civil.year, civil.hour, civil.minute,
                  civil.second);
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

static void write_request_line(struct buffer *line, const struct http_request *request)
{
    buffer_text(line, TEXT(" \""));
    if (request->target.size == 0) { /* refused before it could be read */
        buffer_text(line, TEXT("-\""));
        return;
    }
    buffer_printf(line, "%.*s ", TEXT_ARGS(http_method_name(request->method)));
    http_redact_target(line, request->target);
    buffer_printf(line, " HTTP/%u.%u\"", request->version_major, request->version_minor);
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

void access_log_write(const struct exchange *exchange)
{
    count(exchange->answer.status);
    if (!exchange->server || !exchange->server->config.access_sink)
        return;
    const struct server_config *config = &exchange->server->config;
    struct buffer *line = &exchange->server->log_line;
    buffer_reset(line);
    buffer_printf(line, "%s - ", exchange->peer.address);
    struct text user = exchange->user.size > 0 ? exchange->user : TEXT("-");
    user.size = user.size < SERVER_LOG_USER_BYTES ? user.size : SERVER_LOG_USER_BYTES;
    http_escape_for_log(line, user);
    buffer_text(line, TEXT(" "));
    write_time(line, exchange->now_ms);
    write_request_line(line, &exchange->request);
    buffer_printf(line, " %u %" PRIu64, exchange->answer.status, exchange->sent_bytes);
    write_quoted(line, http_request_field(&exchange->request, TEXT("Referer")));
    write_quoted(line, http_request_field(&exchange->request, TEXT("User-Agent")));
    config->access_sink(config->access_context, LOG_INFO, buffer_view(line));
}
