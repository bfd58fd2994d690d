// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>

/*
 * h2_stream: the streams of a connection, and who of them may send.
 *
 *   reading ──▶ ready ──▶ with its handler ──▶ heads ──▶ by urgency ──▶ gone
 *                                                ▲           │ no window, or nothing to send yet:
 *                                                            ▼ in no queue, until h2_resume()
 *
 * In a queue those come first that came first.  An incremental answer goes to the end after each
 * frame, so that such answers share the line; another one stays in front (RFC 9218 4.2).
 */

/* --- queues --- */

void h2_enqueue(struct h2_stream *stream, uint8_t queue)
{
    struct h2_queue *to = &stream->connection->queues[queue];
    assert(stream->queue == H2_QUEUE_NONE);
    stream->queue = queue;
    stream->queue_next = NULL;
    stream->queue_previous = to->last;
    if (to->last)
        to->last->queue_next = stream;
    else
        to->first = stream;
    to->last = stream;
}

void h2_dequeue(struct h2_stream *stream)
{
    if (stream->queue == H2_QUEUE_NONE)
        return;
    struct h2_queue *from = &stream->connection->queues[stream->queue];
    if (stream->queue_previous)
        stream->queue_previous->queue_next = stream->queue_next;
    else
        from->first = stream->queue_next;
    if (stream->queue_next)
        stream->queue_next->queue_previous = stream->queue_previous;
    else
        from->last = stream->queue_previous;
    stream->queue = H2_QUEUE_NONE;
}

void h2_resume(struct h2_stream *stream)
{
    if (stream->is_sending && !stream->is_deferred && stream->send_window > 0 &&
        stream->queue == H2_QUEUE_NONE)
        h2_enqueue(stream, stream->priority.urgency);
}

struct h2_stream *h2_next_sender(const struct h2_connection *connection)
{
    for (size_t i = 0; i <= HTTP_URGENCY_LAST; i++)
        if (connection->queues[i].first)
            return connection->queues[i].first;
    return NULL;
}

void h2_prioritise(struct h2_stream *stream, struct http_priority priority)
{
    bool is_waiting = stream->queue != H2_QUEUE_NONE && stream->queue != H2_QUEUE_HEADS;
    stream->priority = priority;
    if (!is_waiting || stream->queue == priority.urgency)
        return;
    h2_dequeue(stream);
    h2_enqueue(stream, priority.urgency);
}

/* --- life and death --- */

static void take_early_priority(struct h2_stream *stream)
{
    const struct h2_early_priority *early = stream->connection->early_priorities;
    for (size_t i = 0; i < H2_EARLY_PRIORITIES; i++)
        if (early[i].id == stream->id)
            stream->priority = early[i].priority;
}

static void link_stream(struct h2_connection *connection, struct h2_stream *stream)
{
    stream->next = connection->streams;
    if (connection->streams)
        connection->streams->previous = stream;
    connection->streams = stream;
    connection->stream_count++;
    counter_add(COUNTER_H2_STREAMS, 1);
}

struct h2_stream *h2_stream_new(struct h2_connection *connection, int32_t id)
{
    struct exchange *exchange = exchange_take(connection->server, &h2_carrier, NULL);
    struct h2_stream *stream = arena_zalloc(exchange->arena, sizeof *stream);
    if (!stream) {
        exchange_release(exchange, -ENOMEM);
        return NULL;
    }
    exchange->carrier_context = stream;
    stream->connection = connection;
    stream->exchange = exchange;
    stream->id = id;
    stream->queue = H2_QUEUE_NONE;
    stream->send_window = connection->first_window;
    stream->body_left = UINT64_MAX;
    stream->since_us = h2_now_us(connection);
    stream->priority = http_priority_default();
    take_early_priority(stream);
    http_header_list_init(&stream->header, exchange->arena);
    link_stream(connection, stream);
    return stream;
}

struct h2_stream *h2_stream_find(const struct h2_connection *connection, int32_t id)
{
    struct h2_stream *stream = connection->streams;
    while (stream && stream->id != id)
        stream = stream->next;
    return stream && !stream->is_closed ? stream : NULL;
}

void h2_stream_free(struct h2_stream *stream, int error)
{
    struct h2_connection *connection = stream->connection;
    h2_dequeue(stream);
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    connection->held_bytes -= stream->held_bytes;
    if (--connection->stream_count == 0)
        connection->idle_us = h2_now_us(connection);
    exchange_release(stream->exchange, error);
}

void h2_stream_close(struct h2_stream *stream, int error)
{
    if (stream->is_ready)
        stream->is_closed = true;
    else
        h2_stream_free(stream, error);
}
