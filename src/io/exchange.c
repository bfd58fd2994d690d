// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/exchange.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "http/fields.h"
#include "io/carrier.h"
#include "io/clock.h"
#include "io/coding.h"
#include "io/server_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* exchange: life and death, and what a handler may ask.  Answers are answer.c's and
 * answer_stream.c's. */

enum { KEPT_BUFFER_BYTES = 64 << 10 }; /* a spare exchange holds on to no more */

static size_t guarded(enum guard guard, size_t ceiling_bytes)
{
    return guard_is_on(guard) ? ceiling_bytes : SIZE_MAX / 2;
}

static struct exchange *exchange_new(const struct server *server)
{
    struct exchange *exchange = MEM_NEW(struct exchange);
    exchange->answer.fd = -1;
    exchange->arena = arena_new(guarded(GUARD_ARENA_BYTES, server->config.limits.arena_bytes));
    buffer_init(&exchange->wire, SIZE_MAX / 2); /* bounded by what connection.c puts in */
    buffer_init(&exchange->answer.output,
                guarded(GUARD_ANSWER_BYTES, server->config.limits.max_answer_bytes));
    buffer_init(&exchange->answer.parts, SIZE_MAX / 2); /* bounded by HTTP_RANGES_MAX heads */
    buffer_init(&exchange->answer.stream.bytes, EXCHANGE_STREAM_MAX_BYTES);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    arena_free(&exchange->arena);
    buffer_release(&exchange->body);
    buffer_release(&exchange->wire);
    buffer_release(&exchange->answer.output);
    buffer_release(&exchange->answer.parts);
    buffer_release(&exchange->answer.stream.bytes);
    mem_free(exchange);
}

static void link_live(struct server *server, struct exchange *exchange)
{
    exchange->previous = NULL;
    exchange->next = server->live;
    if (server->live)
        server->live->previous = exchange;
    server->live = exchange;
}

static void unlink_live(struct server *server, struct exchange *exchange)
{
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        server->live = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
}

/* The clock is read once a turn. */
static int64_t server_unix_ms(struct server *server)
{
    uint64_t now_us = loop_now_us(server->loop);
    if (now_us != server->clock_at_us) {
        server->clock_at_us = now_us;
        server->clock_ms = clock_unix_ms();
    }
    return server->clock_ms;
}

struct exchange *exchange_take(struct server *server, const struct exchange_carrier *carrier,
                               void *context)
{
    struct exchange *exchange = server->spare;
    if (exchange) {
        server->spare = exchange->next;
        server->spare_count--;
    } else {
        exchange = exchange_new(server);
    }
    link_live(server, exchange);
    exchange->server = server;
    exchange->loop = exchange->handler_loop = server->loop;
    exchange->carrier = carrier;
    exchange->carrier_context = context;
    exchange->now_ms = server_unix_ms(server);
    exchange->class = SHIELD_CLASS_NEW_VISIT;
    exchange->answer.validators.last_modified_s = INT64_MIN;
    return exchange;
}

static void forget_buffer(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BUFFER_BYTES) {
        size_t ceiling = buffer->ceiling;
        buffer_release(buffer);
        buffer_init(buffer, ceiling);
    }
    buffer_reset(buffer);
}

/* As new, but for the memory of arena and buffers. */
static void exchange_reset(struct exchange *exchange)
{
    struct arena *arena = exchange->arena;
    struct buffer wire = exchange->wire, output = exchange->answer.output,
                  parts = exchange->answer.parts;
    struct buffer bytes = exchange->answer.stream.bytes;
    forget_buffer(&wire);
    forget_buffer(&output);
    forget_buffer(&parts);
    forget_buffer(&bytes);
    arena_reset(arena);
    buffer_release(&exchange->body);
    memset(exchange, 0, offsetof(struct exchange, answer) + offsetof(struct answer, fields));
    exchange->answer.fd = -1;
    exchange->arena = arena;
    exchange->wire = wire;
    exchange->answer.output = output;
    exchange->answer.parts = parts;
    exchange->answer.stream.bytes = bytes;
}

void exchange_drop(struct exchange *exchange)
{
    struct server *server = exchange->server;
    exchange_is_back(exchange);
    loop_watch_remove(
        &exchange->answer.stream.pipe); /* before its descriptor, answer.fd, is closed */
    answer_close_file(&exchange->answer);
    loop_timer_stop(&exchange->answer.stream.heartbeat);
    coding_stop(exchange);
    if (!server) {
        exchange_free(exchange);
        return;
    }
    unlink_live(server, exchange);
    if (server->spare_count >= SERVER_SPARE_EXCHANGES) {
        exchange_free(exchange);
        return;
    }
    exchange_reset(exchange);
    exchange->next = server->spare;
    server->spare = exchange;
    server->spare_count++;
}

void exchange_release(struct exchange *exchange, int error)
{
    const struct answer_stream *stream = &exchange->answer.stream;
    exchange_disk_forget(exchange);
    exchange_leave_crowd(exchange);
    exchange->carrier = NULL;
    exchange->carrier_context = NULL;
    /* a hint to the handler: no fence for each answer */
    atomic_store_explicit(&exchange->is_abandoned, true, memory_order_release);
    if (exchange->step == EXCHANGE_HANDLING)
        return; /* its handler finishes it, and nobody hears */
    if (exchange->step == EXCHANGE_ANSWERING)
        access_log_write(exchange);
    if (exchange_is_away(exchange) && (stream->on_end || stream->on_close)) {
        exchange_tell_handler(exchange, error);
        return;
    }
    exchange_on_end *on_end = stream->on_end;
    exchange_on_close *on_close = stream->on_close;
    void *context = stream->context;
    exchange_drop(exchange);
    if (on_end)
        on_end(context, error);
    if (on_close)
        on_close(context);
}

bool exchange_has_events(const struct exchange *exchange)
{
    return exchange->step == EXCHANGE_ANSWERING && exchange->answer.stream.on_close;
}

/* --- what was asked --- */
const struct http_request *exchange_request(const struct exchange *exchange)
{
    return &exchange->request;
}
const struct exchange_peer *exchange_peer(const struct exchange *exchange)
{
    return &exchange->peer;
}
struct text exchange_body(const struct exchange *exchange) { return buffer_view(&exchange->body); }
struct arena *exchange_arena(struct exchange *exchange) { return exchange->arena; }
struct loop *exchange_loop(const struct exchange *exchange) { return exchange->handler_loop; }
bool exchange_is_abandoned(const struct exchange *exchange)
{
    return atomic_load(&exchange->is_abandoned);
}
size_t exchange_connection_index(const struct exchange *exchange)
{
    return exchange->server ? exchange->server->index : 0;
}
size_t exchange_loop_index(const struct exchange *exchange)
{
    return exchange_is_away(exchange) || !exchange->server ? 0 : exchange->server->index;
}
int64_t exchange_now_ms(const struct exchange *exchange) { return exchange->now_ms; }

const struct http_parameters *exchange_parameters(const struct exchange *exchange)
{
    return &exchange->parameters;
}

struct text exchange_parameter(const struct exchange *exchange, struct text name)
{
    return http_parameter(&exchange->parameters, name);
}

void exchange_set_user(struct exchange *exchange, struct text name)
{
    exchange->user = arena_text(exchange->arena, name);
}

void exchange_set_owner(struct exchange *exchange, const struct exchange_owner *owner)
{
    exchange->owner = *owner;
    exchange->is_owned = true;
}

void exchange_set_class(struct exchange *exchange, enum shield_class class)
{
    exchange->class = class;
}

/* --- fields of the answer --- */
void exchange_field(struct exchange *exchange, const char *name, struct text value)
{
    struct text own_name = arena_text(exchange->arena, text_of(name));
    struct text own_value = arena_text(exchange->arena, value);
    if (!own_name.data || !own_value.data)
        return; /* the arena remembers; the answer will be 503 */
    assert(http_is_token(own_name) && http_field_value_is_clean(own_value));
    exchange_add_field(exchange, own_name.data, own_value);
}

void exchange_lasting_field(struct exchange *exchange, const char *name, struct text value)
{
    exchange_add_field(exchange, name, value);
}

void exchange_forget_fields(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    assert(exchange->step == EXCHANGE_HANDLING);
    answer->field_count = 0;
    answer->validators = (struct http_validators){TEXT_NONE, INT64_MIN};
    answer->written_etag = answer->written_modified = TEXT_NONE;
    answer->keeps_identity = false;
    buffer_reset(&answer->output);
}

void exchange_lent_validators(struct exchange *exchange, struct text quoted_tag, int64_t unix_s,
                              struct text modified)
{
    struct answer *answer = &exchange->answer;
    assert(quoted_tag.size > 2);
    answer->validators.etag = text_make(quoted_tag.data + 1, quoted_tag.size - 2);
    answer->validators.last_modified_s = modified.data ? unix_s : INT64_MIN;
    answer->written_etag = quoted_tag;
    answer->written_modified = modified;
}

void exchange_etag(struct exchange *exchange, struct text opaque_tag)
{
    assert(text_find_byte(opaque_tag, '"') == SIZE_MAX && http_field_value_is_clean(opaque_tag));
    exchange->answer.validators.etag = arena_text(exchange->arena, opaque_tag);
}

void exchange_last_modified(struct exchange *exchange, int64_t unix_s)
{
    exchange->answer.validators.last_modified_s = unix_s;
    exchange->answer.written_modified = TEXT_NONE;
}

void exchange_early_hints(struct exchange *exchange, const struct text *links, size_t count)
{
    struct http_field fields[EXCHANGE_HINTS_MAX];
    assert(exchange->step == EXCHANGE_HANDLING && count <= EXCHANGE_HINTS_MAX);
    if (!exchange->carrier || exchange_is_away(exchange))
        return;
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct http_field){TEXT("Link"), links[i]};
    exchange->carrier->informational(exchange, 103, fields, count);
}

void exchange_interim(struct exchange *exchange, unsigned status, const struct http_field *fields,
                      size_t count)
{
    assert(exchange->step == EXCHANGE_HANDLING && status > 101 && status < 200);
    if (exchange->carrier && !exchange_is_away(exchange) && count <= EXCHANGE_FIELDS_MAX)
        exchange->carrier->informational(exchange, status, fields, count);
}

void exchange_lent_field(struct exchange *exchange, struct text name, struct text value)
{
    struct answer *answer = &exchange->answer;
    assert(answer->field_count < EXCHANGE_FIELDS_MAX);
    answer->fields[answer->field_count++] = (struct http_field){name, value};
}

void exchange_keep_identity(struct exchange *exchange) { exchange->answer.keeps_identity = true; }

struct buffer *exchange_output(struct exchange *exchange) { return &exchange->answer.output; }
