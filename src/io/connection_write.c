// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/digits.h"
#include "base/guard.h"
#include "http/fields.h"
#include "io/connection_state.h"
#include "io/file.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * connection_write: an answer on its way out of an HTTP/1 connection.
 *
 * `wire` holds what we made ourselves: the head, chunk framing, a small file.  It goes out together
 * with the memory pieces that follow it, in one call.  Larger files go by sendfile; the head before
 * them is held back by MSG_MORE so that it shares a packet.  Under TLS head and file share records.
 * Streams are framed from their buffer, which is refilled only when all is out.
 */
enum {
    RUNS_MAX = 8,
    INLINE_FILE_BYTES = 4 << 10, /* up to here a copy costs less than sendfile */
    LEAST_REFERRED_BYTES = 16 << 10,
    FILE_STEP_BYTES = 1 << 20,
    BYTES_PER_RUN = 4 << 20, /* then others get a turn */
    HEAD_OWN_FIELDS_BYTES =
        128, /* Content-Length or chunked and Trailer, Connection, the last CRLF */
};

/* --- the head --- */

static bool has_length(unsigned status) { return status >= 200 && status != 204 && status != 304; }

static void write_field(struct buffer *wire, struct text name, struct text value)
{
    buffer_text(wire, name);
    buffer_text(wire, TEXT(": "));
    buffer_text(wire, value);
    buffer_text(wire, TEXT("\r\n"));
}

static char *put(char *at, struct text t)
{
    memcpy(at, t.data, t.size);
    return at + t.size;
}

static char *put_field(char *at, struct text name, struct text value)
{
    at = put(put(at, name), TEXT(": "));
    if (value.size > 0)
        at = put(at, value);
    return put(at, TEXT("\r\n"));
}

static char *put_length(char *at, uint64_t length)
{
    at = digits_decimal(put(at, TEXT("Content-Length: ")), length);
    return put(at, TEXT("\r\n"));
}

static struct text connection_field(const struct connection *connection)
{
    const struct http_request *request = &connection->exchange->request;
    if (connection->will_close || connection->exchange->closes)
        return TEXT("Connection: close\r\n");
    return request->version_minor == 0 ? TEXT("Connection: keep-alive\r\n") : TEXT("");
}

/* The last chunk.  A failed body gets one only when its trailer can say so: without it, the end of
 * the connection tells. */
static bool write_end(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    bool has_trailer = exchange_takes_trailer(exchange);
    if (exchange->answer.stream.error && !has_trailer)
        return false;
    buffer_text(&exchange->wire, TEXT("0\r\n"));
    if (has_trailer)
        write_field(&exchange->wire, TEXT("Sostenuto-End"), exchange_trailer(exchange));
    for (size_t i = 0; i < exchange->answer.stream.trailer_count; i++)
        write_field(&exchange->wire, exchange->answer.stream.trailers[i].name,
                    exchange->answer.stream.trailers[i].value);
    buffer_text(&exchange->wire, TEXT("\r\n"));
    return true;
}

/* Status line, Date and Server: the same for a second, so written once for all who get that status.
 */
static struct text head_start(struct server *server, unsigned status, int64_t now_s)
{
    struct server_head_start *start = &server->head_start;
    if (start->status != status || start->date_s != now_s) {
        char *at = digits_decimal(put(start->bytes, TEXT("HTTP/1.1 ")), status);
        at = put(put(at, TEXT(" ")), text_of(http_reason(status)));
        at = put_field(put(at, TEXT("\r\n")), TEXT("Date"), server_date(server, now_s));
        at = put_field(at, TEXT("Server"), TEXT("sostenuto"));
        start->status = status;
        start->date_s = now_s;
        start->size = (size_t)(at - start->bytes);
    }
    return text_make(start->bytes, start->size);
}

/* The status line alone: every other field is the answer's own. */
static char *put_verbatim_start(char *at, unsigned status)
{
    at = digits_decimal(put(at, TEXT("HTTP/1.1 ")), status);
    return put(put(put(at, TEXT(" ")), text_of(http_reason(status))), TEXT("\r\n"));
}

static size_t head_bytes_max(const struct answer *answer)
{
    size_t size = sizeof((struct server_head_start *)0)->bytes + HEAD_OWN_FIELDS_BYTES;
    for (size_t i = 0; i < answer->field_count; i++)
        size += answer->fields[i].name.size + answer->fields[i].value.size + 4;
    return size;
}

static void write_head(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    const struct answer *answer = &exchange->answer;
    char *start = buffer_reserve(&exchange->wire, head_bytes_max(answer)), *at = start;
    assert(start); /* the wire has no ceiling of its own */
    if (answer->is_verbatim)
        at = put_verbatim_start(at, answer->status);
    else
        at = put(
            at, head_start(connection_server(connection), answer->status, exchange->now_ms / 1000));
    for (size_t i = 0; i < answer->field_count; i++)
        at = put_field(at, answer->fields[i].name, answer->fields[i].value);
    if (connection->is_chunked)
        at = put(at, TEXT("Transfer-Encoding: chunked\r\n"));
    if (connection->is_chunked && exchange_takes_trailer(exchange))
        at = put(at, TEXT("Trailer: Sostenuto-End\r\n"));
    else if (answer->is_measured && has_length(answer->status))
        at = put_length(at, answer->length);
    at = put(put(at, connection_field(connection)), TEXT("\r\n"));
    exchange->wire.size += (size_t)(at - start);
}

/* A few bytes are copied sooner than a file is found; of more, sendfile copies none (decision 008).
 */
static void choose_source(const struct connection *connection, struct answer *answer)
{
    bool has_both = answer->fd >= 0 && answer->piece_count == 1 && answer->pieces[0].data;
    if (has_both && !connection->stream.ssl && answer->pieces[0].size > INLINE_FILE_BYTES)
        answer->pieces[0].data = NULL;
}

/* Of few bytes a copy costs less than two calls more. */
static bool goes_by_reference(const struct connection *connection, const struct answer_piece *piece)
{
    return piece->is_lasting && piece->size >= LEAST_REFERRED_BYTES && !connection->stream.ssl &&
           page_pipe_works(&connection_server(connection)->page_pipe);
}

/* A small file behind its head: one pread and one send instead of send and sendfile. */
static int inline_file(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct answer *answer = &exchange->answer;
    struct answer_piece *piece = &answer->pieces[0];
    if (answer->piece_count != 1 || piece->data || piece->size > INLINE_FILE_BYTES)
        return 0;
    size_t size = (size_t)piece->size;
    if (size == 0 || exchange_file_ready(exchange, piece->offset, size) < size)
        return 0;
    char *room = buffer_reserve(&exchange->wire, size);
    int error = room ? file_read_at(answer->fd, room, size, piece->offset) : -ENOBUFS;
    if (error)
        return error;
    exchange->wire.size += size;
    exchange->sent_bytes += size;
    piece->offset += size;
    piece->size -= size;
    return 0;
}

/* --- pieces --- */

static void count_sent(size_t size) { counter_add(COUNTER_BYTES_SENT, (int64_t)size); }

static void skip_done_pieces(struct connection *connection)
{
    struct connection_progress *progress = connection->progress;
    const struct answer *answer = &connection->exchange->answer;
    while (progress->piece < answer->piece_count &&
           progress->piece_sent == answer->pieces[progress->piece].size) {
        progress->piece++;
        progress->piece_sent = 0;
    }
}

/* `size` bytes went out: of the wire first, then of pieces. */
static void advance(struct connection *connection, size_t size)
{
    struct connection_progress *progress = connection->progress;
    struct exchange *exchange = connection->exchange;
    size_t of_wire = exchange->wire.size - progress->wire_sent;
    of_wire = size < of_wire ? size : of_wire;
    count_sent(size);
    progress->wire_sent += of_wire;
    size -= of_wire;
    exchange->sent_bytes += size;
    skip_done_pieces(connection);
    while (size > 0) {
        uint64_t left = exchange->answer.pieces[progress->piece].size - progress->piece_sent;
        size_t part = size < left ? size : (size_t)left;
        progress->piece_sent += part;
        size -= part;
        skip_done_pieces(connection);
    }
}

/* The wire's rest and the pieces after it that are copied from memory.  *ret_next is the first
 * piece not among them. */
static int gather(const struct connection *connection, struct iovec runs[RUNS_MAX],
                  size_t *ret_next)
{
    struct connection_progress *progress = connection->progress;
    const struct exchange *exchange = connection->exchange;
    const struct answer *answer = &exchange->answer;
    int count = 0;
    size_t next = progress->piece;
    if (progress->wire_sent < exchange->wire.size)
        runs[count++] = (struct iovec){exchange->wire.data + progress->wire_sent,
                                       exchange->wire.size - progress->wire_sent};
    for (; next < answer->piece_count && count < RUNS_MAX && answer->pieces[next].data &&
           !goes_by_reference(connection, &answer->pieces[next]);
         next++) {
        uint64_t skipped = next == progress->piece ? progress->piece_sent : 0;
        const char *from = answer->pieces[next].data + skipped;
        if (answer->pieces[next].size > skipped)
            runs[count++] =
                (struct iovec){(void *)(uintptr_t)from, answer->pieces[next].size - skipped};
    }
    *ret_next = next;
    return count;
}

static ssize_t send_file_piece(struct connection *connection, struct text head)
{
    struct connection_progress *progress = connection->progress;
    const struct answer *answer = &connection->exchange->answer;
    const struct answer_piece *piece = &answer->pieces[progress->piece];
    uint64_t left = piece->size - progress->piece_sent, at = piece->offset + progress->piece_sent;
    uint64_t ready = exchange_file_ready(connection->exchange, at,
                                         left < FILE_STEP_BYTES ? left : FILE_STEP_BYTES);
    if (ready == 0)
        return -EINPROGRESS;
    ssize_t put = stream_send_file(&connection->stream, head, answer->fd, at, (size_t)ready,
                                   connection_server(connection)->scratch, SERVER_SCRATCH_BYTES);
    return put == 0 ? -EIO : put; /* shorter than it was: the promised length cannot be kept */
}

static ssize_t send_by_reference(struct connection *connection)
{
    const struct connection_progress *progress = connection->progress;
    const struct answer_piece *piece = &connection->exchange->answer.pieces[progress->piece];
    struct text left =
        text_make(piece->data + progress->piece_sent, (size_t)(piece->size - progress->piece_sent));
    return page_pipe_send(&connection_server(connection)->page_pipe, connection->stream.fd, left);
}

/* One write.  0 when nothing is left to write now. */
static ssize_t write_once(struct connection *connection)
{
    const struct answer *answer = &connection->exchange->answer;
    struct iovec runs[RUNS_MAX];
    size_t next;
    int count = gather(connection, runs, &next);
    bool is_file_next = next < answer->piece_count && !answer->pieces[next].data;
    ssize_t put = 0;
    if (count <= 1 && is_file_next && next == connection->progress->piece)
        put = send_file_piece(connection,
                              count > 0 ? text_make(runs[0].iov_base, runs[0].iov_len) : TEXT_NONE);
    else if (count == 0 && next < answer->piece_count)
        put = send_by_reference(connection);
    else if (count > 0)
        put = stream_write(&connection->stream, runs, count, next < answer->piece_count);
    if (put > 0) {
        connection->progress->put += (uint64_t)put;
        advance(connection, (size_t)put);
    }
    return put;
}

/* --- streams --- */

/* The next frame goes on the wire, which is empty.  False when there is none now. */
static bool frame_stream(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct answer_stream *stream = &exchange->answer.stream;
    bool has_bytes = stream->bytes.size > 0 && !exchange->answer.omits_body;
    bool ends = stream->has_ended && connection->is_chunked && !exchange->answer.omits_body;
    if (!has_bytes && (!ends || connection->has_ended))
        return false;
    buffer_reset(&exchange->wire);
    connection->progress->wire_sent = 0;
    exchange->sent_bytes += stream->bytes.size;
    if (has_bytes && connection->is_chunked)
        buffer_printf(&exchange->wire, "%zx\r\n", stream->bytes.size);
    buffer_text(&exchange->wire, buffer_view(&stream->bytes));
    if (has_bytes && connection->is_chunked)
        buffer_text(&exchange->wire, TEXT("\r\n"));
    buffer_reset(&stream->bytes);
    if (ends)
        connection->has_ended = write_end(connection);
    return exchange->wire.size > 0;
}

/* All that there was is out.  Waits for the source, or is done. */
static enum step_result after_stream_is_out(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    const struct answer_stream *stream = &exchange->answer.stream;
    if (!stream->has_ended) {
        deadline_stop(&connection->deadline);
        bool has_more = exchange_stream_drained(exchange);
        if (!stream->error)
            return has_more ? STEP_YIELDS : STEP_WAITS;
    }
    if (!stream->error)
        return connection_finish_answer(connection);
    connection->exchange = NULL;
    exchange_release(exchange, stream->error);
    return STEP_CLOSES; /* without its last chunk, so the client knows that something is missing */
}

/* --- the step --- */

/* The disk's time is nobody's time-out. */
static enum step_result wait_for_disk(struct connection *connection)
{
    deadline_stop(&connection->deadline);
    return STEP_WAITS;
}

/* Nothing is left to write now: 1: there is again; 0: that was all; -EINPROGRESS: it will come. */
static int refill(struct connection *connection)
{
    const struct answer *answer = &connection->exchange->answer;
    if (answer->is_stream)
        return frame_stream(connection);
    if (answer->unlent == 0)
        return 0;
    int lent = exchange_lend_more(connection->exchange);
    connection->progress->piece = 0;
    connection->progress->piece_sent = 0;
    return lent ? lent : -EINPROGRESS;
}

enum step_result connection_step_answer(struct connection *connection)
{
    size_t sent = 0;
    connection->is_blocked = false;
    if (connection_join_batch(connection))
        return connection_finish_answer(connection);
    enum step_result flushed = connection_flush_batch(connection);
    if (flushed != STEP_GOES_ON)
        return flushed;
    for (;;) {
        ssize_t put = write_once(connection);
        int more = put == 0 ? refill(connection) : 1;
        if (put == -EAGAIN)
            return connection_wait_to_write(connection);
        if (put == -EINPROGRESS || more == -EINPROGRESS)
            return wait_for_disk(connection);
        if (put < 0 || more < 0)
            return STEP_CLOSES;
        sent += (size_t)put;
        if (more == 0)
            break;
        if (sent > BYTES_PER_RUN) {
            connection_wait_to_write(connection);
            return STEP_YIELDS;
        }
    }
    if (connection->exchange->answer.is_stream)
        return after_stream_is_out(connection);
    return connection_finish_answer(connection);
}

enum step_result connection_flush_wire(struct connection *connection)
{
    struct connection_progress *progress = connection->progress;
    struct buffer *wire = &connection->exchange->wire;
    enum step_result flushed = connection_flush_batch(connection);
    if (flushed != STEP_GOES_ON)
        return flushed;
    connection->is_blocked = false;
    while (progress->wire_sent < wire->size) {
        struct iovec run = {wire->data + progress->wire_sent, wire->size - progress->wire_sent};
        ssize_t put = stream_write(&connection->stream, &run, 1, false);
        connection->is_blocked = put == -EAGAIN;
        if (put < 0)
            return put == -EAGAIN ? STEP_WAITS : STEP_CLOSES;
        progress->wire_sent += (size_t)put;
    }
    progress->wire_sent = 0;
    buffer_reset(wire);
    return STEP_GOES_ON;
}

/* --- what the exchange calls --- */

static void carrier_answer(struct exchange *exchange)
{
    struct connection *connection = exchange->carrier_context;
    struct answer *answer = &exchange->answer;
    connection->step = STEP_ANSWER;
    connection->is_blocked = connection->has_ended = false;
    connection->progress->put = connection->progress->stalled_us = 0;
    connection->progress->trickles = 0;
    connection->progress->piece = 0;
    connection->progress->piece_sent = 0;
    connection->is_chunked = !answer->is_measured && exchange->request.version_minor > 0;
    if (!answer->is_measured && !connection->is_chunked)
        connection->will_close = true; /* the end of the connection is the end of the answer */
    if (connection_ends_with_server(connection))
        connection->will_close = true;
    if (answer->omits_body)
        answer->piece_count = 0;
    choose_source(connection, answer);
    write_head(connection);
    if (inline_file(connection) < 0)
        connection->will_close =
            true; /* the file shrank: send_file_piece() will find out and close */
    skip_done_pieces(connection);
    if (answer->is_stream)
        connection_carrier.wake(exchange);
    else
        connection_run(connection);
}

static void carrier_wake(struct exchange *exchange)
{
    struct connection *connection = exchange->carrier_context;
    if (!connection->is_running)
        loop_watch_set(&connection->watch, connection->watch.wanted | LOOP_WRITE);
}

/* What the socket does not take now goes out with the answer. */
static void carrier_informational(struct exchange *exchange, unsigned status,
                                  const struct http_field *fields, size_t count)
{
    struct buffer *wire = &exchange->wire;
    if (exchange->request.version_minor == 0)
        return;
    buffer_printf(wire, "HTTP/1.1 %u %s\r\n", status, http_reason(status));
    for (size_t i = 0; i < count; i++)
        write_field(wire, fields[i].name, fields[i].value);
    buffer_text(wire, TEXT("\r\n"));
    (void)connection_flush_wire(exchange->carrier_context);
}

static void carrier_cut(struct exchange *exchange) { connection_cut(exchange->carrier_context); }

static void carrier_run(struct exchange *exchange) { connection_run(exchange->carrier_context); }

const struct exchange_carrier connection_carrier = {carrier_answer, carrier_wake, carrier_run,
                                                    carrier_informational, carrier_cut};
