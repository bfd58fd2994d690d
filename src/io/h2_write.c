// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "io/file.h"
#include "io/fault_point.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * h2_write: answers become frames, frames one batch, a batch one write.
 *
 *   control ──────────────────────▶
 *   heads, in the order of answers ▶ batch ──▶ socket ──▶ `out`: what it did not take
 *   bodies, by urgency ───────────▶
 *
 * The bytes of a body go straight from memory or file into the server's batch.  What the socket
 * does not take of a batch waits in `out`, and nothing more is gathered until that is gone:
 * back-pressure reaches the sources because a stream's buffer is then not emptied.
 *
 * Inside a turn an answer goes into the batch as soon as its handler gives it: its exchange is free
 * for the next request while it is still in the processor's cache.
 */
enum {
    BYTES_PER_TURN = 512 << 10, /* then others get a turn */
    SMALL_BYTES = 4096,         /* a refusal is always sent */
    LENGTH_DIGITS = 20,
};

static char *batch_end(struct h2_shared *shared) { return shared->batch + shared->batch_size; }

/* --- heads --- */

static size_t most_of(const struct http_field *fields, size_t count)
{
    size_t most = HPACK_START_MOST;
    for (size_t i = 0; i < count; i++)
        most += fields[i].name.size + fields[i].value.size + HPACK_FIELD_MOST;
    return most;
}

static char *write_fields(struct hpack_writer *writer, char *at, const struct http_field *fields,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        at = hpack_write(writer, at, fields[i].name, fields[i].value);
    return at;
}

static char *write_length(struct hpack_writer *writer, char *at, uint64_t length)
{
    char digits[LENGTH_DIGITS];
    size_t first = sizeof digits;
    do
        digits[--first] = (char)('0' + length % 10);
    while (length /= 10);
    return hpack_write(writer, at, TEXT("content-length"),
                       text_make(digits + first, sizeof digits - first));
}

static char *write_answer(struct h2_connection *connection, char *at,
                          const struct exchange *exchange)
{
    const struct answer *answer = &exchange->answer;
    struct hpack_writer *writer = &connection->writer;
    at = hpack_write_start(writer, at);
    at = hpack_write_status(at, answer->status);
    if (!answer->is_verbatim) {
        at = hpack_write(writer, at, TEXT("date"),
                         server_date(exchange->server, exchange->now_ms / 1000));
        at = hpack_write(writer, at, TEXT("server"), TEXT("sostenuto"));
    }
    at = write_fields(writer, at, answer->fields, answer->field_count);
    if (exchange_takes_trailer(exchange))
        at = hpack_write(writer, at, TEXT("trailer"), TEXT("sostenuto-end"));
    if (answer->is_measured && answer->status != 204 && answer->status != 304)
        at = write_length(writer, at, answer->length);
    return at;
}

/* The head of `size` bytes that stands behind `at` becomes frames; their flags beside END_HEADERS
 * are of the first.  Returns where they end. */
static char *frame_head(char *at, size_t size, uint8_t flags, int32_t id)
{
    uint8_t type = H2_HEADERS;
    while (size > H2_PAYLOAD_BYTES) { /* rare: what follows makes room for a head of its own */
        char *rest = at + H2_FRAME_BYTES;
        h2_write_head(at, H2_PAYLOAD_BYTES, type, flags, id);
        size -= H2_PAYLOAD_BYTES;
        memmove(rest + H2_FRAME_HEAD_BYTES, rest, size);
        at = rest;
        type = H2_CONTINUATION;
        flags = 0;
    }
    h2_write_head(at, size, type, flags | H2_FLAG_END_HEADERS, id);
    return at + H2_FRAME_HEAD_BYTES + size;
}

/* --- the end of an answer --- */

/* All of it is out.  When the request is not in, the rest of it is not wanted (RFC 9113 8.1). */
static void finish(struct h2_stream *stream)
{
    if (!stream->has_ended)
        h2_say_reset(stream->connection, stream->id, H2_NO_ERROR);
    h2_stream_free(stream, 0);
}

/* The last word of a stream, failed or not, to who wants to hear it (RFC 9113 8.1). */
static void send_trailer(struct h2_stream *stream, struct h2_shared *shared)
{
    struct hpack_writer *writer = &stream->connection->writer;
    char *at = batch_end(shared), *end = hpack_write_start(writer, at + H2_FRAME_HEAD_BYTES);
    const struct answer_stream *body = &stream->exchange->answer.stream;
    if (exchange_takes_trailer(stream->exchange))
        end = hpack_write(writer, end, TEXT("sostenuto-end"), exchange_trailer(stream->exchange));
    end = write_fields(writer, end, body->trailers, body->trailer_count);
    end = frame_head(at, (size_t)(end - at) - H2_FRAME_HEAD_BYTES, H2_FLAG_END_STREAM, stream->id);
    shared->batch_size += (size_t)(end - at);
    finish(stream);
}

/* --- bodies --- */

static void skip_done_pieces(struct h2_stream *stream)
{
    const struct answer *answer = &stream->exchange->answer;
    while (stream->piece < answer->piece_count &&
           stream->piece_sent == answer->pieces[stream->piece].size) {
        stream->piece++;
        stream->piece_sent = 0;
    }
}

/*
 * Bytes of a stream's buffer that are not out; refills it when there are none.  A source that has
 * more but not a byte yet rests: it goes on in the next turn.
 */
static size_t stream_left(struct h2_stream *stream)
{
    struct answer_stream *source = &stream->exchange->answer.stream;
    if (stream->piece_sent == source->bytes.size) {
        buffer_reset(&source->bytes);
        stream->piece_sent = 0;
        if (!source->has_ended && exchange_stream_drained(stream->exchange))
            stream->connection->has_resting |= stream->is_resting = source->bytes.size == 0;
    }
    return source->bytes.size - (size_t)stream->piece_sent;
}

/* What of the answer goes out next: `size` bytes, of which `data` is where they are in memory. */
struct portion {
    size_t size;
    const char *data; /* NULL: in the file, at `offset` */
    uint64_t offset;
    bool ends, must_wait, is_cut; /* is_cut: there will never be more, and the client must know */
};

static struct portion stream_portion(struct h2_stream *stream, size_t most)
{
    const struct answer_stream *source = &stream->exchange->answer.stream;
    size_t left = stream_left(stream), size = left < most ? left : most;
    struct portion portion = {.size = size};
    portion.must_wait = left == 0 && (!source->has_ended || stream->is_resting);
    portion.is_cut = left == 0 && !portion.must_wait && source->error;
    portion.ends = size == left && source->has_ended && !source->error;
    portion.data = left > 0 ? source->bytes.data + stream->piece_sent : "";
    return portion;
}

/* How much of the present piece's `left` bytes needs no disk. */
static uint64_t ready_of_piece(struct h2_stream *stream, uint64_t left)
{
    const struct answer_piece *piece = &stream->exchange->answer.pieces[stream->piece];
    return piece->data || left == 0
               ? left
               : exchange_file_ready(stream->exchange, piece->offset + stream->piece_sent, left);
}

/* As exchange_lend_more(), where that is due; 1 where it is not. */
static int refill(struct h2_stream *stream)
{
    const struct answer *answer = &stream->exchange->answer;
    if (stream->piece < answer->piece_count || answer->unlent == 0)
        return 1;
    stream->piece = 0;
    stream->piece_sent = 0;
    return exchange_lend_more(stream->exchange);
}

static struct portion piece_portion(struct h2_stream *stream, size_t most)
{
    const struct answer *answer = &stream->exchange->answer;
    skip_done_pieces(stream);
    int lent = refill(stream);
    if (lent <= 0)
        return (struct portion){.data = "", .must_wait = lent == 0, .is_cut = lent < 0};
    if (stream->piece >= answer->piece_count)
        return (struct portion){.data = "", .ends = true};
    const struct answer_piece *piece = &answer->pieces[stream->piece];
    uint64_t left = piece->size - stream->piece_sent, ready = ready_of_piece(stream, left);
    size_t size = ready < most ? (size_t)ready : most;
    return (struct portion){.size = size,
                            .data = piece->data ? piece->data + stream->piece_sent : NULL,
                            .offset = piece->offset + stream->piece_sent,
                            .must_wait = ready == 0 && left > 0, /* for the disk */
                            .ends = size == left && stream->piece + 1 >= answer->piece_count &&
                                    answer->unlent == 0};
}

static void note_progress(struct h2_stream *stream, size_t size)
{
    struct h2_connection *connection = stream->connection;
    uint32_t *updates = &connection->floods[H2_FLOOD_WINDOW_UPDATES];
    *updates -= *updates < 4 ? *updates : 4; /* a client may answer DATA with these */
    stream->send_window -= (int64_t)size;
    connection->send_window -= (int64_t)size;
    stream->piece_sent += size;
    stream->exchange->sent_bytes += size;
    stream->moved += size;
    if (stream->moved >= H2_PATIENCE_BYTES) {
        stream->moved = 0;
        stream->since_us = h2_now_us(connection);
    }
}

/* Where it stands among the senders after a frame. */
static void stand_again(struct h2_stream *stream)
{
    bool has_room = stream->send_window > 0;
    if (has_room && !stream->priority.is_incremental)
        return;
    h2_dequeue(stream);
    if (has_room)
        h2_enqueue(stream, stream->priority.urgency);
}

static size_t room_of(const struct h2_stream *stream)
{
    int64_t room = H2_PAYLOAD_BYTES;
    room = stream->send_window < room ? stream->send_window : room;
    room = stream->connection->send_window < room ? stream->connection->send_window : room;
    return room > 0 ? (size_t)room : 0;
}

static void put_data(struct h2_stream *stream, struct h2_shared *shared, size_t size, uint8_t flags)
{
    h2_write_head(batch_end(shared), size, H2_DATA, flags, stream->id);
    shared->batch_size += H2_FRAME_HEAD_BYTES + size;
    note_progress(stream, size);
}

/* One DATA frame of a stream that stands among the senders; it may be gone after it. */
static void send_frame(struct h2_stream *stream, struct h2_shared *shared)
{
    const struct answer *answer = &stream->exchange->answer;
    struct portion portion = answer->is_stream ? stream_portion(stream, room_of(stream))
                                               : piece_portion(stream, room_of(stream));
    char *content = batch_end(shared) + H2_FRAME_HEAD_BYTES;
    if (portion.must_wait) {
        stream->is_deferred = true;
        h2_dequeue(stream);
        return;
    }
    if (portion.data && portion.size)
        memcpy(content, portion.data, portion.size);
    else if (portion.size && file_read_at(answer->fd, content, portion.size, portion.offset))
        portion.is_cut = true; /* shorter than it was */
    if (stream->exchange->peer.is_node)
        fault_point_flip(content, portion.size);
    bool has_trailer =
        ((portion.ends || portion.is_cut) && exchange_takes_trailer(stream->exchange)) ||
        (portion.ends && answer->is_stream && answer->stream.trailer_count > 0);
    if (portion.is_cut && !has_trailer) {
        h2_reset(stream, H2_INTERNAL_ERROR);
        return;
    }
    bool says_end = portion.ends && !has_trailer;
    if (portion.size > 0 || says_end)
        put_data(stream, shared, portion.size, says_end ? H2_FLAG_END_STREAM : H2_FLAG_NONE);
    if (has_trailer)
        send_trailer(stream, shared);
    else if (portion.ends)
        finish(stream);
    else
        stand_again(stream);
}

/* --- beginning --- */

static bool has_body(const struct answer *answer)
{
    return !answer->omits_body && (answer->is_stream || answer->length > 0);
}

/*
 * The head of an answer, and all of a small body unless something more urgent waits; the stream may
 * be gone after it.
 */
static void begin(struct h2_stream *stream, struct h2_shared *shared)
{
    struct h2_connection *connection = stream->connection;
    const struct answer *answer = &stream->exchange->answer;
    bool has_more = has_body(answer),
         is_small = !answer->is_stream && answer->length <= H2_PAYLOAD_BYTES;
    char *at = batch_end(shared);
    if (most_of(answer->fields, answer->field_count) > H2_HEAD_BYTES / 2) {
        h2_reset(stream, H2_INTERNAL_ERROR);
        return;
    }
    char *end = write_answer(connection, at + H2_FRAME_HEAD_BYTES, stream->exchange);
    end = frame_head(at, (size_t)(end - at) - H2_FRAME_HEAD_BYTES,
                     has_more ? H2_FLAG_NONE : H2_FLAG_END_STREAM, stream->id);
    shared->batch_size += (size_t)(end - at);
    if (!has_more) {
        finish(stream);
        return;
    }
    stream->is_sending = true;
    h2_resume(stream);
    if (is_small && connection->send_window > 0 && h2_next_sender(connection) == stream)
        send_frame(stream, shared);
}

/* --- batches --- */

static void gather_control(struct h2_connection *connection, struct h2_shared *shared)
{
    struct buffer *control = &connection->control;
    if (control->size == 0 ||
        shared->batch_size + control->size > H2_BATCH_BYTES + H2_CONTROL_BYTES)
        return;
    memcpy(batch_end(shared), control->data, control->size);
    shared->batch_size += control->size;
    buffer_release(control);
}

/* Gathers frames.  True when there may be more than fits. */
static bool fill_batch(struct h2_connection *connection, struct h2_shared *shared)
{
    struct h2_stream *stream;
    gather_control(connection, shared);
    while (!connection->is_broken && shared->batch_size < H2_BATCH_BYTES &&
           (stream = connection->queues[H2_QUEUE_HEADS].first)) {
        h2_dequeue(stream);
        begin(stream, shared);
        gather_control(connection, shared);
    }
    while (!connection->is_broken && shared->batch_size < H2_BATCH_BYTES &&
           connection->send_window > 0 && (stream = h2_next_sender(connection)))
        send_frame(stream, shared);
    gather_control(connection, shared);
    return shared->batch_size >= H2_BATCH_BYTES || connection->control.size > 0;
}

static int send_bytes(struct h2_connection *connection, const char *data, size_t size,
                      size_t *ret_sent)
{
    while (*ret_sent < size) {
        struct iovec run = {(void *)(uintptr_t)(data + *ret_sent), size - *ret_sent};
        ssize_t put = stream_write(&connection->stream, &run, 1, false);
        if (put < 0)
            return (int)put;
        *ret_sent += (size_t)put;
        counter_add(COUNTER_BYTES_SENT, put);
        connection->since_us = h2_now_us(connection);
    }
    return 0;
}

static int send_rest(struct h2_connection *connection)
{
    struct buffer *out = &connection->out;
    if (out->size == 0)
        return 0;
    int error = send_bytes(connection, out->data, out->size, &connection->out_sent);
    if (!error) {
        buffer_release(out);
        connection->out_sent = 0;
    }
    return error;
}

static int send_batch(struct h2_connection *connection, struct h2_shared *shared)
{
    size_t sent = 0;
    int error = send_bytes(connection, shared->batch, shared->batch_size, &sent);
    if (error == -EAGAIN) {
        connection->unsent = stream_unsent(&connection->stream);
        buffer_append(&connection->out, shared->batch + sent, shared->batch_size - sent);
    }
    shared->batch_size = 0;
    return error;
}

static void wake_resting(struct h2_connection *connection)
{
    if (!connection->has_resting)
        return;
    connection->has_resting = false;
    for (struct h2_stream *stream = connection->streams; stream; stream = stream->next) {
        if (stream->is_resting)
            h2_carrier.wake(stream->exchange);
        stream->is_resting = false;
    }
}

int h2_write(struct h2_connection *connection)
{
    struct h2_shared *shared = connection->server->h2;
    bool has_more = true;
    int error = send_rest(connection);
    wake_resting(connection);
    for (size_t total = 0; has_more && !error;) {
        if (total >= BYTES_PER_TURN)
            return -EINPROGRESS;
        has_more = fill_batch(connection, shared);
        total += shared->batch_size;
        error = send_batch(connection, shared);
    }
    return !error && connection->has_resting ? -EINPROGRESS : error;
}

/* --- what the exchange calls --- */

/* What plays comes before what is looked at, unless the client says otherwise. */
static uint8_t urgency_of(enum shield_class class)
{
    switch (class) {
    case SHIELD_CLASS_CONTROL:
        return 1;
    case SHIELD_CLASS_RUNNING:
        return 2;
    case SHIELD_CLASS_BACKGROUND:
        return 5;
    default:
        return HTTP_URGENCY_DEFAULT;
    }
}

/*
 * Requests whose handlers work at the same time are let in before their answers are known.  What
 * then is too much beside what is held already is not kept; one answer alone always is.
 */
static bool is_too_much(const struct h2_stream *stream)
{
    const struct h2_connection *connection = stream->connection;
    return stream->held_bytes > SMALL_BYTES && connection->held_bytes > stream->held_bytes &&
           h2_holds_too_much(connection);
}

/* May end the stream, and the exchange with it. */
static void carrier_answer(struct exchange *exchange)
{
    struct h2_stream *stream = exchange->carrier_context;
    struct h2_connection *connection = stream->connection;
    struct h2_shared *shared = connection->server->h2;
    const struct answer *answer = &exchange->answer;
    stream->has_answered = true;
    stream->since_us = h2_now_us(connection);
    h2_hold(stream, exchange->body.size + answer->output.size + answer->parts.size);
    if (exchange->closes)
        h2_leave(connection);
    if (!stream->priority.has_urgency)
        stream->priority.urgency = urgency_of(exchange->class);
    if (is_too_much(stream)) {
        counter_add(COUNTER_H2_HELD, 1);
        h2_reset(stream, H2_ENHANCE_YOUR_CALM);
        return;
    }
    if (connection->is_gathering && shared->batch_size < H2_BATCH_BYTES &&
        !connection->queues[H2_QUEUE_HEADS].first) {
        gather_control(connection, shared);
        begin(stream, shared);
    } else {
        h2_enqueue(stream, H2_QUEUE_HEADS);
    }
    h2_wants_write(connection);
}

static void carrier_wake(struct exchange *exchange)
{
    struct h2_stream *stream = exchange->carrier_context;
    struct h2_connection *connection = stream->connection;
    if (!stream->is_deferred)
        return; /* it is on its way, or not even begun */
    stream->is_deferred = false;
    stream->since_us = h2_now_us(connection);
    h2_resume(stream);
    h2_wants_write(connection);
}

/* Goes beside the frames of control, since nothing that is gathered later may stand before it in
 * HPACK's order. */
static void carrier_informational(struct exchange *exchange, unsigned status,
                                  const struct http_field *fields, size_t count)
{
    struct h2_stream *stream = exchange->carrier_context;
    struct h2_connection *connection = stream->connection;
    size_t most = most_of(fields, count) + H2_FRAME_HEAD_BYTES;
    assert(status >= 100 && status < 200 && count <= EXCHANGE_FIELDS_MAX && !stream->has_answered);
    if (most > H2_PAYLOAD_BYTES || connection->control.size + most > H2_CONTROL_BYTES / 2)
        return; /* a hint that is lost costs time only */
    char *at = buffer_reserve(&connection->control, most), *end = at + H2_FRAME_HEAD_BYTES;
    end = hpack_write_start(&connection->writer, end);
    end = hpack_write_status(end, status);
    end = write_fields(&connection->writer, end, fields, count);
    end = frame_head(at, (size_t)(end - at) - H2_FRAME_HEAD_BYTES, H2_FLAG_NONE, stream->id);
    connection->control.size += (size_t)(end - at);
    h2_wants_write(connection);
}

static void carrier_cut(struct exchange *exchange)
{
    h2_reset(exchange->carrier_context, H2_CANCEL);
}

const struct exchange_carrier h2_carrier = {carrier_answer, carrier_wake, carrier_wake,
                                            carrier_informational, carrier_cut};
