// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/fields.h"
#include "io/carrier.h"
#include "io/coding.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * answer_stream: answers that are not all there when they start: pipes, sources, server-sent events
 * and what is coded in steps.
 *
 * Bytes wait in stream.bytes (at most 64 KiB) for the carrier.  A pipe is read only when that is
 * empty, so it goes no faster than the client; events that do not fit are refused, so their sender
 * sends less.
 */
enum {
    HEARTBEAT_US = 20 * 1000 * 1000, /* proxies give up on silent answers after 30 s and more */
    TRAILERS_MAX_BYTES = 4 << 10,
};

static struct exchange *exchange_of_pipe(struct loop_watch *watch)
{
    return CONTAINER_OF(watch, struct exchange, answer.stream.pipe);
}

static void stream_start(struct exchange *exchange, const char *content_type)
{
    exchange->answer.is_stream = true;
    exchange_add_field(exchange, "Content-Type",
                       arena_text(exchange->arena, text_of(content_type)));
    exchange_answer_ready(exchange, 200);
}

/* --- pipes --- */

static void end_pipe(struct exchange *exchange, int error)
{
    struct answer_stream *stream = &exchange->answer.stream;
    loop_watch_remove(&stream->pipe);
    stream->has_ended = true;
    stream->error = error;
}

static int how_it_ended(const struct answer_stream *stream)
{
    return stream->at_end ? stream->at_end(stream->context) : 0;
}

static void on_pipe(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct exchange *exchange = exchange_of_pipe(watch);
    struct buffer *bytes = &exchange->answer.stream.bytes;
    char *room = buffer_reserve(bytes, EXCHANGE_STREAM_MAX_BYTES - bytes->size);
    assert(room); /* it is watched only while bytes is empty */
    ssize_t got = read(watch->fd, room, EXCHANGE_STREAM_MAX_BYTES - bytes->size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        bytes->size += (size_t)got;
        loop_watch_remove(watch); /* a hang-up would come again each turn */
    } else {
        end_pipe(exchange, got < 0 ? -errno : how_it_ended(&exchange->answer.stream));
    }
    exchange->carrier->run(exchange);
}

static void watch_pipe(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    if (stream->has_ended || stream->pipe._loop)
        return;
    int error = loop_watch_add(exchange->loop, &stream->pipe);
    if (error)
        end_pipe(exchange, error);
}

/* --- sources --- */

static void end_source(struct answer_stream *stream, int error)
{
    stream->has_ended = true;
    stream->error = error;
}

/* The buffer is empty.  False when the source has nothing to say yet. */
static bool fill_from_source(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    struct buffer *bytes = &stream->bytes;
    while (!stream->has_ended && bytes->size < EXCHANGE_STREAM_MAX_BYTES) {
        size_t most = EXCHANGE_STREAM_MAX_BYTES - bytes->size;
        most = stream->left < most ? (size_t)stream->left : most;
        char *room = buffer_reserve(bytes, most);
        assert(room);
        ssize_t got = stream->read(stream->context, room, most);
        if (got == -EAGAIN)
            break;
        if (got <= 0) {
            bool is_short = got == 0 && exchange->answer.is_measured;
            end_source(stream, is_short ? -EIO : (int)got);
            break;
        }
        bytes->size += (size_t)got;
        if (exchange->answer.is_measured && (stream->left -= (uint64_t)got) == 0)
            end_source(stream, 0);
    }
    return bytes->size > 0 || stream->has_ended;
}

void exchange_source_ready(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    assert(exchange->carrier && (stream->read || exchange->answer.lend));
    if (exchange->answer.lend || (stream->bytes.size == 0 && fill_from_source(exchange)))
        exchange->carrier->run(exchange);
}

void exchange_send_source(struct exchange *exchange, unsigned status, uint64_t length,
                          exchange_source_read *read, exchange_on_end *on_end, void *context)
{
    struct answer *answer = &exchange->answer;
    struct answer_stream *stream = &answer->stream;
    assert(!exchange_is_away(exchange));
    answer->is_stream = answer->is_verbatim = true;
    answer->is_measured = length != EXCHANGE_LENGTH_UNKNOWN;
    answer->length = stream->left = length;
    stream->read = read;
    stream->on_end = on_end;
    stream->context = context;
    stream->has_ended = exchange->request.method == HTTP_METHOD_HEAD || length == 0;
    exchange_answer_ready(exchange, status);
}

bool exchange_stream_drained(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    if (stream->arrived > 0)
        atomic_fetch_sub(&stream->unsent, stream->arrived);
    stream->arrived = 0;
    if (stream->coder) {
        coding_step(exchange);
        return true;
    }
    if (stream->read)
        return fill_from_source(exchange);
    if (stream->pipe.on_events)
        watch_pipe(exchange);
    return stream->has_ended;
}

void exchange_check_end(struct exchange *exchange, exchange_at_end *at_end)
{
    exchange->answer.stream.at_end = at_end;
}

void exchange_send_pipe(struct exchange *exchange, const char *content_type, int fd,
                        exchange_on_end *on_end, void *context)
{
    struct answer_stream *stream = &exchange->answer.stream;
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    exchange->answer.fd = fd;
    stream->on_end = on_end;
    stream->context = context;
    stream->pipe = (struct loop_watch){.on_events = on_pipe, .fd = fd, .wanted = LOOP_READ};
    if (exchange->request.method == HTTP_METHOD_HEAD)
        stream->has_ended = true;
    stream_start(exchange, content_type);
}

/* --- what is coded in steps --- */

void exchange_send_coded(struct exchange *exchange, const char *content_type)
{
    if (exchange->request.method == HTTP_METHOD_HEAD)
        exchange->answer.stream.has_ended = true;
    stream_start(exchange, content_type);
}

/* --- server-sent events --- */

void exchange_stream_begin(struct exchange *exchange)
{
    struct answer_stream *stream = &exchange->answer.stream;
    if (stream->read && !stream->has_ended)
        (void)fill_from_source(exchange);
    if (stream->pipe.on_events)
        watch_pipe(exchange);
    if (stream->heartbeat.on_timer)
        loop_timer_start(exchange->loop, &stream->heartbeat,
                         loop_now_us(exchange->loop) + HEARTBEAT_US);
}

static void on_heartbeat(struct loop_timer *timer, uint64_t now_us)
{
    struct exchange *exchange = CONTAINER_OF(timer, struct exchange, answer.stream.heartbeat);
    struct buffer *bytes = &exchange->answer.stream.bytes;
    loop_timer_start(exchange->loop, timer, now_us + HEARTBEAT_US);
    if (bytes->size > 0)
        return;
    buffer_text(bytes, TEXT(":\n\n"));
    exchange->carrier->run(exchange);
}

void exchange_events_start(struct exchange *exchange, exchange_on_close *on_close, void *context)
{
    struct answer_stream *stream = &exchange->answer.stream;
    stream->on_close = on_close;
    stream->context = context;
    exchange_add_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_add_field(exchange, "X-Accel-Buffering", TEXT("no"));
    if (exchange->request.method == HTTP_METHOD_HEAD)
        stream->has_ended = true;
    stream->heartbeat.on_timer = on_heartbeat;
    stream_start(exchange, "text/event-stream");
}

/* A field of an event, once per line of its value (WHATWG HTML 9.2.6); CR would end a line too. */
static void write_event_field(struct buffer *out, const char *name, struct text value)
{
    struct text line;
    while (text_split(&value, '\n', &line)) {
        if (text_ends(line, TEXT("\r")))
            line.size--;
        buffer_printf(out, "%s: %.*s\n", name, TEXT_ARGS(line));
    }
}

/* False, and `out` as before, when it does not fit. */
static bool write_event(struct buffer *out, const char *event, struct text id, struct text data)
{
    size_t size_before = out->size;
    if (id.size > 0)
        write_event_field(out, "id", id);
    if (event)
        write_event_field(out, "event", text_of(event));
    write_event_field(out, "data", data.data ? data : TEXT(""));
    buffer_text(out, TEXT("\n"));
    if (!out->overflowed)
        return true;
    out->overflowed = false;
    out->size = size_before;
    return false;
}

static bool send_away(struct exchange *exchange, const char *event, struct text id,
                      struct text data)
{
    struct buffer bytes;
    buffer_init(&bytes, EXCHANGE_STREAM_MAX_BYTES);
    bool is_sent =
        write_event(&bytes, event, id, data) && exchange_post_event(exchange, buffer_view(&bytes));
    buffer_release(&bytes);
    return is_sent;
}

bool exchange_events_send(struct exchange *exchange, const char *event, struct text id,
                          struct text data)
{
    struct answer_stream *stream = &exchange->answer.stream;
    assert(exchange->answer.is_stream && !stream->pipe.on_events);
    if (exchange_is_away(exchange))
        return send_away(exchange, event, id, data);
    if (stream->has_ended || !exchange->carrier || !write_event(&stream->bytes, event, id, data))
        return false;
    exchange->carrier->wake(exchange);
    return true;
}

void exchange_events_end(struct exchange *exchange)
{
    if (exchange_is_away(exchange)) {
        exchange_post_events_end(exchange);
        return;
    }
    exchange->answer.stream.has_ended = true;
    if (exchange->carrier)
        exchange->carrier->wake(exchange);
}

/* --- trailers --- */

static bool wants_trailers(const struct exchange *exchange)
{
    struct text rest, item;
    rest = http_request_field(&exchange->request, TEXT("TE"));
    while (http_list_next(&rest, &item))
        if (text_equal_nocase(http_before_parameters(item), TEXT("trailers")))
            return true;
    return false;
}

bool exchange_takes_trailer(const struct exchange *exchange)
{
    const struct answer *answer = &exchange->answer;
    return answer->is_stream && answer->stream.at_end && !answer->omits_body &&
           wants_trailers(exchange);
}

void exchange_trailers(struct exchange *exchange, const struct http_field *fields, size_t count)
{
    struct answer_stream *stream = &exchange->answer.stream;
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += fields[i].name.size + fields[i].value.size;
    if (exchange->answer.is_measured || size > TRAILERS_MAX_BYTES || !wants_trailers(exchange))
        return;
    struct http_field *own = arena_alloc(exchange->arena, (count + 1) * sizeof *own);
    for (size_t i = 0; own && i < count; i++)
        own[i] = (struct http_field){arena_text(exchange->arena, fields[i].name),
                                     arena_text(exchange->arena, fields[i].value)};
    if (!own || arena_overflowed(exchange->arena))
        return;
    stream->trailers = own;
    stream->trailer_count = count;
}

struct text exchange_trailer(const struct exchange *exchange)
{
    return exchange->answer.stream.error ? TEXT("error") : TEXT("complete");
}
