// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "io/file.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * h2_write: answers become frames, frames one batch, a batch one write.
 *
 * nghttp2 says which stream may send how much (windows, priorities); the bytes go straight from
 * memory or file into the server's batch.  What the socket does not take of a batch waits in `out`,
 * and nothing more is asked of nghttp2 until that is gone: back-pressure reaches the sources
 * because a stream's buffer is then not emptied.
 */
enum {
    BYTES_PER_TURN = 512 << 10, /* then others get a turn */
    SMALL_BYTES = 4096,         /* a refusal is always sent */
    STATUS_DIGITS = 3,
    NAMES_MAX = EXCHANGE_FIELDS_MAX + 4,
};

/* --- heads --- */

static nghttp2_nv pair(struct text name, struct text value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.data,
                        .value = (uint8_t *)(uintptr_t)value.data,
                        .namelen = name.size,
                        .valuelen = value.size,
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/* Names are in lower case here (RFC 9113 8.2.1). */
static struct text lower(struct arena *arena, struct text name)
{
    char *copy = arena_alloc(arena, name.size);
    for (size_t i = 0; copy && i < name.size; i++)
        copy[i] =
            name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] | 0x20) : name.data[i];
    return text_make(copy, copy ? name.size : 0);
}

static struct text status_text(struct h2_stream *stream, unsigned status)
{
    char *digits = stream->status;
    for (int i = STATUS_DIGITS - 1; i >= 0; i--, status /= 10)
        digits[i] = (char)('0' + status % 10);
    return text_make(digits, STATUS_DIGITS);
}

static struct text length_text(struct h2_stream *stream, uint64_t length)
{
    size_t at = sizeof stream->length;
    do
        stream->length[--at] = (char)('0' + length % 10);
    while (length /= 10);
    return text_make(stream->length + at, sizeof stream->length - at);
}

static size_t add_fields(struct exchange *exchange, const struct http_field *fields, size_t count,
                         nghttp2_nv *head, size_t at)
{
    for (size_t i = 0; i < count; i++) {
        struct text name = lower(exchange->arena, fields[i].name);
        if (name.size > 0) /* else the arena is full, and this field is lost */
            head[at++] = pair(name, fields[i].value);
    }
    return at;
}

static size_t write_head(struct h2_stream *stream, nghttp2_nv *head)
{
    struct exchange *exchange = stream->exchange;
    const struct answer *answer = &exchange->answer;
    size_t at = 0;
    head[at++] = pair(TEXT(":status"), status_text(stream, answer->status));
    head[at++] = pair(TEXT("date"), server_date(exchange->server, exchange->now_ms / 1000));
    head[at++] = pair(TEXT("server"), TEXT("sostenuto"));
    at = add_fields(exchange, answer->fields, answer->field_count, head, at);
    if (!answer->is_stream && answer->status != 204 && answer->status != 304)
        head[at++] = pair(TEXT("content-length"), length_text(stream, answer->length));
    return at;
}

/* --- urgency --- */

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

static bool was_told_early(const struct h2_stream *stream)
{
    for (size_t i = 0; i < H2_EARLY_PRIORITIES; i++)
        if (stream->connection->early_priorities[i] == stream->id)
            return true;
    return false;
}

static void choose_urgency(struct h2_stream *stream)
{
    const struct exchange *exchange = stream->exchange;
    struct http_priority asked;
    uint8_t urgency = urgency_of(exchange->class);
    if (urgency == HTTP_URGENCY_DEFAULT || was_told_early(stream))
        return;
    struct text field = http_request_field(&exchange->request, TEXT("priority"));
    http_priority_parse(field, &asked);
    if (asked.has_urgency)
        return; /* nghttp2 has read it */
    const nghttp2_extpri priority = {urgency, asked.is_incremental};
    nghttp2_session_change_extpri_stream_priority(stream->connection->session, stream->id,
                                                  &priority, 0);
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

static ssize_t offer_stream(struct h2_stream *stream, size_t most, uint32_t *flags)
{
    const struct answer_stream *source = &stream->exchange->answer.stream;
    size_t left = stream_left(stream), size = left < most ? left : most;
    if (left == 0 && (!source->has_ended || stream->is_resting)) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (left == 0 && source->error) /* cut short, and the client must be able to tell */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (size == left && source->has_ended && !source->error)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static ssize_t offer_pieces(struct h2_stream *stream, size_t most, uint32_t *flags)
{
    const struct answer *answer = &stream->exchange->answer;
    skip_done_pieces(stream);
    uint64_t left = 0;
    if (stream->piece < answer->piece_count)
        left = answer->pieces[stream->piece].size - stream->piece_sent;
    size_t size = left < most ? (size_t)left : most;
    if (size == left && stream->piece + 1 >= answer->piece_count)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

/* How much of the answer may go out now; send_data() then takes exactly that. */
static ssize_t read_body(nghttp2_session *session UNUSED, int32_t id UNUSED, uint8_t *room UNUSED,
                         size_t most, uint32_t *flags, nghttp2_data_source *source,
                         void *context UNUSED)
{
    struct h2_stream *stream = source->ptr;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return stream->exchange->answer.is_stream ? offer_stream(stream, most, flags)
                                              : offer_pieces(stream, most, flags);
}

static int copy_body(struct h2_stream *stream, char *to, size_t size)
{
    const struct answer *answer = &stream->exchange->answer;
    const char *from = answer->stream.bytes.data;
    if (!answer->is_stream && stream->piece < answer->piece_count) {
        const struct answer_piece *piece = &answer->pieces[stream->piece];
        if (!piece->data)
            return file_read_at(answer->fd, to, size, piece->offset + stream->piece_sent);
        from = piece->data;
    }
    if (size)
        memcpy(to, from + stream->piece_sent, size);
    return 0;
}

static void note_progress(struct h2_stream *stream, size_t size)
{
    struct h2_connection *connection = stream->connection;
    uint32_t *updates = &connection->floods[H2_FLOOD_WINDOW_UPDATES];
    *updates -= *updates < 4 ? *updates : 4; /* a client may answer DATA with these */
    stream->piece_sent += size;
    stream->exchange->sent_bytes += size;
    stream->moved += size;
    if (stream->moved >= H2_PATIENCE_BYTES) {
        stream->moved = 0;
        stream->since_us = h2_now_us(connection);
    }
}

static int send_data(nghttp2_session *session UNUSED, nghttp2_frame *frame UNUSED,
                     const uint8_t *head, size_t size, nghttp2_data_source *source, void *context)
{
    const struct h2_connection *connection = context;
    struct h2_shared *shared = connection->server->h2;
    struct h2_stream *stream = source->ptr;
    char *to = shared->batch + shared->batch_size;
    assert(shared->batch_size + H2_FRAME_HEAD_BYTES + size <= sizeof shared->batch);
    memcpy(to, head, H2_FRAME_HEAD_BYTES);
    if (copy_body(stream, to + H2_FRAME_HEAD_BYTES, size)) /* shorter than it was */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    shared->batch_size += H2_FRAME_HEAD_BYTES + size;
    note_progress(stream, size);
    return shared->batch_size >= H2_BATCH_BYTES ? NGHTTP2_ERR_PAUSE : 0;
}

/* --- what nghttp2 tells --- */

/* The answer is out and the request is not in: the rest of it is not wanted (RFC 9113 8.1). */
static void stop_request(nghttp2_session *session, int32_t id)
{
    if (nghttp2_session_get_stream_remote_close(session, id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2_connection *connection = context;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            stop_request(session, frame->hd.stream_id);
        break;
    case NGHTTP2_RST_STREAM: /* an error of the client's costs as much as its own reset */
        counter_add(COUNTER_H2_STREAMS_REFUSED,
                    frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM);
        if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
            h2_count_frame(connection, H2_FLOOD_RESETS);
        h2_past_reset(&connection->past, frame->hd.stream_id);
        break;
    default:
        break;
    }
    return 0;
}

void h2_write_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
}

/* --- batches --- */

/* Gathers frames.  1 when there may be more than fits, 0 when that was all, or -EPROTO. */
static int fill_batch(struct h2_connection *connection, struct h2_shared *shared)
{
    const uint8_t *frames;
    shared->batch_size = 0;
    while (shared->batch_size < H2_BATCH_BYTES) {
        ssize_t size = nghttp2_session_mem_send(connection->session, &frames);
        if (size < 0)
            return -EPROTO;
        if (size == 0)
            break;
        assert(shared->batch_size + (size_t)size <= sizeof shared->batch);
        memcpy(shared->batch + shared->batch_size, frames, (size_t)size);
        shared->batch_size += (size_t)size;
    }
    return shared->batch_size >= H2_BATCH_BYTES;
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
        buffer_init(out, sizeof connection->server->h2->batch);
        connection->out_sent = 0;
    }
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
    int more = 1, error = send_rest(connection);
    wake_resting(connection);
    for (size_t total = 0; more && !error; total += shared->batch_size) {
        if (total >= BYTES_PER_TURN)
            return -EINPROGRESS;
        more = fill_batch(connection, shared);
        if (more < 0)
            return more;
        size_t sent = 0;
        error = send_bytes(connection, shared->batch, shared->batch_size, &sent);
        if (error == -EAGAIN) {
            connection->unsent = stream_unsent(&connection->stream);
            buffer_append(&connection->out, shared->batch + sent, shared->batch_size - sent);
        }
    }
    return !error && connection->has_resting ? -EINPROGRESS : error;
}

/* --- what the exchange calls --- */

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

static void carrier_answer(struct exchange *exchange)
{
    struct h2_stream *stream = exchange->carrier_context;
    struct h2_connection *connection = stream->connection;
    const struct answer *answer = &exchange->answer;
    nghttp2_nv head[NAMES_MAX];
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = read_body};
    bool has_body = !answer->omits_body && (answer->is_stream || answer->length > 0);
    stream->has_answered = true;
    stream->since_us = h2_now_us(connection);
    h2_hold(stream, exchange->body.size + answer->output.size + answer->parts.size);
    if (is_too_much(stream)) {
        counter_add(COUNTER_H2_HELD, 1);
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_ENHANCE_YOUR_CALM);
        h2_wants_write(connection);
        return;
    }
    choose_urgency(stream);
    if (nghttp2_submit_response(connection->session, stream->id, head, write_head(stream, head),
                                has_body ? &body : NULL))
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_INTERNAL_ERROR);
    if (exchange->closes)
        h2_leave(connection);
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
    nghttp2_session_resume_data(connection->session, stream->id);
    h2_wants_write(connection);
}

static void carrier_informational(struct exchange *exchange, unsigned status,
                                  const struct http_field *fields, size_t count)
{
    struct h2_stream *stream = exchange->carrier_context;
    struct h2_connection *connection = stream->connection;
    nghttp2_nv head[NAMES_MAX];
    assert(status >= 100 && status < 200 && count <= EXCHANGE_FIELDS_MAX && !stream->has_answered);
    head[0] = pair(TEXT(":status"), status_text(stream, status));
    size_t size = add_fields(exchange, fields, count, head, 1);
    for (size_t i = 0; i < size; i++)
        head[i].flags = NGHTTP2_NV_FLAG_NONE; /* sent later, so copied */
    (void)nghttp2_submit_headers(connection->session, NGHTTP2_FLAG_NONE, stream->id, NULL, head,
                                 size, NULL);
    h2_wants_write(connection);
}

const struct exchange_carrier h2_carrier = {carrier_answer, carrier_wake, carrier_wake,
                                            carrier_informational};
