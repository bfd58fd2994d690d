// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/coding.h"

#include "base/counters.h"
#include "base/guard.h"
#include "http/coder.h"
#include "http/fields.h"
#include "io/server_state.h"

#include <stdatomic.h>

/* --- whether --- */

static bool is_text(struct text content_type)
{
    static const struct text types[] = {
        TEXT_INIT("application/json"),
        TEXT_INIT("application/xml"),
        TEXT_INIT("application/problem+json"),
        TEXT_INIT("application/javascript"),
        TEXT_INIT("image/svg+xml"),
    };
    struct text type = http_before_parameters(content_type);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (text_equal_nocase(type, types[i]))
            return true;
    return text_starts_nocase(type, TEXT("text/"));
}

static bool has_field(const struct answer *answer, struct text name)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (text_equal_nocase(answer->fields[i].name, name))
            return true;
    return false;
}

/* A foreign page can make a browser ask this in the listener's name, or the answer is secret. */
static bool may_tell_a_secret(const struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    return exchange->answer.keeps_identity || has_field(&exchange->answer, TEXT("Set-Cookie")) ||
           http_request_field(request, TEXT("Cookie")).data ||
           text_starts_nocase(http_request_field(request, TEXT("Authorization")), TEXT("Basic"));
}

enum http_coding coding_choose(struct exchange *exchange, unsigned status, struct text content_type)
{
    const bool available[HTTP_CODING_COUNT] = {true, true, true};
    const struct server *server = exchange->server;
    const struct answer *answer = &exchange->answer;
    if (!server || status != 200 || answer->output.size < server->config.limits.coding_min_bytes ||
        !is_text(content_type) || has_field(answer, TEXT("Content-Encoding")) ||
        may_tell_a_secret(exchange))
        return HTTP_CODING_IDENTITY;
    exchange_add_field(exchange, "Vary", TEXT("Accept-Encoding"));
    if (http_request_field(&exchange->request, TEXT("Range")).data)
        return HTTP_CODING_IDENTITY;
    return http_coding_choose(http_request_field(&exchange->request, TEXT("Accept-Encoding")),
                              available);
}

/* --- at once --- */

static size_t step_bytes(const struct exchange *exchange)
{
    bool has_steps = exchange->server && guard_is_on(GUARD_CODING_STEPS);
    return has_steps ? exchange->server->config.limits.coding_step_bytes : SIZE_MAX;
}

bool coding_is_small(const struct exchange *exchange)
{
    return exchange->answer.output.size <= step_bytes(exchange);
}

struct text coding_apply(struct exchange *exchange, enum http_coding coding)
{
    struct answer *answer = &exchange->answer;
    buffer_reset(&answer->parts); /* no ranges here, so nobody else needs it */
    if (!http_code(coding, buffer_view(&answer->output), &answer->parts) ||
        answer->parts.size >= answer->output.size)
        return TEXT_NONE;
    counter_add(COUNTER_ANSWERS_CODED, 1);
    return buffer_view(&answer->parts);
}

/* --- in steps --- */

bool coding_start(struct exchange *exchange, enum http_coding coding)
{
    struct answer_stream *stream = &exchange->answer.stream;
    struct server *server = exchange->server->home; /* one bound for all loops */
    if (atomic_fetch_add(&server->coded_streams, 1) >= server->config.limits.max_coded_streams &&
        guard_is_on(GUARD_CODED_STREAMS)) {
        atomic_fetch_sub(&server->coded_streams, 1);
        counter_add(COUNTER_ANSWERS_NOT_CODED, 1);
        return false;
    }
    counter_add(COUNTER_ANSWERS_CODED, 1);
    stream->coder = http_coder_new(coding);
    stream->uncoded = buffer_view(&exchange->answer.output);
    return true;
}

void coding_step(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    size_t step = step_bytes(exchange);
    bool ends = stream->uncoded.size <= step;
    struct text left = text_make(stream->uncoded.data, ends ? stream->uncoded.size : step);
    size_t size = left.size;
    bool is_taken = http_coder_step(stream->coder, &left, ends, &stream->bytes);
    stream->uncoded = text_from(stream->uncoded, size - left.size);
    if (is_taken && ends) {
        stream->has_ended = true;
        coding_stop(exchange);
    }
}

void coding_stop(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    if (stream->coder && exchange->server)
        atomic_fetch_sub(&exchange->server->home->coded_streams, 1);
    http_coder_free(&stream->coder);
}
