// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/digits.h"
#include "base/mem.h"
#include "edge/answer.h"
#include "edge/peers.h"
#include "edge/sliced.h"
#include "http/range.h"
#include "io/fault_point.h"

#include <errno.h>
#include <string.h>

/*
 * answer: what an asking is answered with, on its client's loop: here a stored response, whole, a
 * part of it, or 304.
 */

enum { STATUS_BYTES = 192 }; /* of Cache-Status: all its words and numbers take less */

/* --- fields --- */

void answer_add_status(struct asking *asking)
{
    char *room = arena_alloc(exchange_arena(asking->exchange), STATUS_BYTES);
    struct buffer out = {.data = room, .capacity = STATUS_BYTES, .ceiling = STATUS_BYTES};
    if (!room)
        return;
    caching_status_write(&out, "sostenuto", &asking->status);
    exchange_lent_field(asking->exchange, TEXT("Cache-Status"), buffer_view(&out));
}

static bool is_about_the_body(struct text name)
{
    return text_starts_nocase(name, TEXT("Content-")) &&
           !text_equal_nocase(name, TEXT("Content-Location"));
}

static bool is_digest(struct text name)
{
    return text_equal_nocase(name, TEXT("Repr-Digest")) ||
           text_equal_nocase(name, TEXT("Content-Digest"));
}

void answer_add_fields(struct exchange *exchange, const struct edge_object *object,
                       struct caching_fields fields, bool has_body, bool has_digest)
{
    struct http_field each = object ? object->each : (struct http_field){0};
    if (each.name.data)
        exchange_lent_field(exchange, each.name, each.value);
    for (size_t i = 0; i < fields.count; i++)
        if ((has_body || !is_about_the_body(fields.items[i].name)) &&
            (has_digest || !is_digest(fields.items[i].name)) &&
            (!each.name.data || !text_equal_nocase(each.name, fields.items[i].name)))
            exchange_lent_field(exchange, fields.items[i].name, fields.items[i].value);
}

/* RFC 9111 5.1: of what was not made for this request. */
static void add_age(struct asking *asking, const struct caching_freshness *freshness,
                    int64_t now_ms)
{
    int64_t age_ms = caching_age_ms(freshness, now_ms), age_s = age_ms > 0 ? age_ms / 1000 : 0;
    char *digits = arena_alloc(exchange_arena(asking->exchange), DIGITS_DECIMAL_MAX);
    if (digits && (asking->status.is_hit || age_s > 0)) {
        size_t size = (size_t)(digits_decimal(digits, (uint64_t)age_s) - digits);
        exchange_lent_field(asking->exchange, TEXT("Age"), text_make(digits, size));
    }
    asking->status.ttl_s = (freshness->lifetime_ms - age_ms) / 1000;
}

static void count_stored(const struct asking *asking)
{
    const struct caching_status *status = &asking->status;
    counter_add(status->is_hit ? COUNTER_EDGE_HITS : COUNTER_EDGE_MISSES, 1);
    if (status->is_hit && status->ttl_s < 0)
        counter_add(COUNTER_EDGE_STALE, 1);
    if (!status->is_hit && status->is_collapsed)
        counter_add(COUNTER_EDGE_COALESCED, 1);
}

/* --- bodies of objects --- */

struct sending {
    struct exchange *exchange;
    struct cache_object *object;
    const struct cache_meta *meta; /* the fields are in it */
    uint64_t offset, end;
    struct cache_wait *wait;
    struct relay *tail; /* goes on where the store gave the object up */
    bool is_in_tail;
    bool is_poisoned;      /* drills only */
    uint64_t skip;         /* of the tail, before what is wanted */
    struct sliced *sliced; /* where the body is, if not in the object */
    enum counter bytes;
    struct cache_piece pieces[EXCHANGE_RUNS_MAX]; /* that are lent */
    size_t piece_count;
};
enum { LENT_BYTES = 2 << 20 }; /* at once: a slow client keeps no more from being evicted */

static void take_back(struct sending *sending)
{
    for (size_t i = 0; i < sending->piece_count; i++)
        cache_piece_release(&sending->pieces[i]);
    sending->piece_count = 0;
}

static void give_back(void *context)
{
    struct sending *sending = context;
    take_back(sending);
    if (sending->wait)
        cache_wait_cancel(sending->wait);
    relay_leave(&sending->tail);
    sliced_free(&sending->sliced);
    cache_object_unref(sending->object);
    cache_meta_unref(sending->meta);
    mem_free(sending);
}

static void on_end(void *context, int error UNUSED) { give_back(context); }

static void on_wake(void *context)
{
    struct sending *sending = context;
    sending->wait = NULL;
    exchange_source_ready(sending->exchange);
}

/* Where cache_read() had no piece: as exchange_lend and exchange_source_read return it. */
static int wait_or_end(struct sending *sending, enum cache_read what)
{
    if (what != CACHE_READ_WAIT)
        return what == CACHE_READ_END ? 0 : -EIO;
    if (!sending->wait)
        sending->wait = cache_wait(sending->object, sending->offset,
                                   exchange_loop(sending->exchange), on_wake, sending);
    return -EAGAIN;
}

static void on_ready(void *context)
{
    struct sending *sending = context;
    exchange_source_ready(sending->exchange);
}

/* Where the object ends for good, on by its tail.  A tail that ends without a byte was none: the
 * object was lost later, when its writer had done. */
static ssize_t read_tail(struct sending *sending, char *room, size_t size)
{
    ssize_t got;
    if (!sending->tail)
        return -EIO;
    if (!sending->is_in_tail) {
        struct cache_range ranges[CACHE_RANGES_MAX];
        size_t count = cache_object_ranges(sending->object, ranges);
        uint64_t end = count > 0 ? ranges[count - 1].end : 0;
        sending->skip = sending->offset > end ? sending->offset - end : 0;
    }
    do {
        size_t most = sending->skip > 0 && sending->skip < size ? (size_t)sending->skip : size;
        got = relay_read(sending->tail, room, most, on_ready, sending);
        if (got == 0 && !sending->is_in_tail)
            return -EIO;
        sending->is_in_tail |= got > 0;
        if (got > 0 && sending->skip == 0)
            return got;
        sending->skip -= got > 0 ? (uint64_t)got : 0;
    } while (got > 0);
    return got;
}

static ssize_t read_object(struct sending *sending, char *room, size_t size)
{
    struct cache_piece piece;
    if (sending->is_in_tail)
        return read_tail(sending, room, size);
    enum cache_read what = cache_read(sending->object, sending->offset, &piece);
    if (what == CACHE_READ_FAILED)
        return read_tail(sending, room, size);
    if (what != CACHE_READ_PIECE)
        return wait_or_end(sending, what);
    size = piece.bytes.size < size ? piece.bytes.size : size;
    memcpy(room, piece.bytes.data, size);
    cache_piece_release(&piece);
    sending->offset += size;
    return (ssize_t)size;
}

/* In slices, of unknown length, or still being written. */
static ssize_t read_body(void *context, char *room, size_t size)
{
    struct sending *sending = context;
    ssize_t got = sending->sliced ? sliced_read(sending->sliced, room, size, on_ready, sending)
                                  : read_object(sending, room, size);
    if (got > 0 && sending->is_poisoned)
        fault_point_poison(room);
    if (got > 0)
        counter_add(sending->bytes, got);
    return got;
}

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static ssize_t lend_object(void *context, struct exchange_run *ret, size_t most)
{
    struct sending *sending = context;
    enum cache_read what = CACHE_READ_PIECE;
    uint64_t first = sending->offset;
    take_back(sending);
    for (uint64_t lent = 0;
         sending->piece_count < most && lent < LENT_BYTES && sending->offset < sending->end;) {
        struct cache_piece *piece = &sending->pieces[sending->piece_count];
        what = cache_read(sending->object, sending->offset, piece);
        if (what != CACHE_READ_PIECE)
            break;
        ret[sending->piece_count++] = (struct exchange_run){piece->bytes, piece->is_lasting};
        sending->offset += piece->bytes.size;
        lent += piece->bytes.size;
    }
    if (sending->offset > first)
        counter_add(sending->bytes, (int64_t)(min_u64(sending->offset, sending->end) - first));
    return sending->piece_count ? (ssize_t)sending->piece_count : wait_or_end(sending, what);
}

static void send_body(struct sending *sending, unsigned status, uint64_t length)
{
    struct exchange *exchange = sending->exchange;
    bool is_copied =
        length == CACHE_LENGTH_UNKNOWN || sending->sliced || sending->tail || sending->is_poisoned;
    sending->end = length == CACHE_LENGTH_UNKNOWN ? UINT64_MAX : sending->offset + length;
    if (is_copied)
        exchange_send_source(exchange, status, length, read_body, on_end, sending);
    else
        exchange_send_lent(exchange, status, length, lend_object, give_back, sending);
}

/* --- answers --- */

/* Drills only: what another edge gets of this one when it has gone bad.  What proves itself by a
 * digest: what is signed is not worth a lie. */
static bool is_poisoned(const struct asking *asking)
{
    if (!fault_point_poisons() || !asking->asked.only_if_cached)
        return false;
    struct buffer proof;
    buffer_init(&proof, CACHE_KEY_MAX);
    enum peer_object object = peer_object_of(asking->target, &proof);
    buffer_release(&proof);
    return object == PEER_OBJECT_DIGEST || object == PEER_OBJECT_PIECES;
}

static struct sending *sending_new(struct asking *asking, struct cache_object *object,
                                   const struct cache_meta *meta)
{
    struct sending *sending = mem_alloc(sizeof *sending);
    sending->exchange = asking->exchange;
    sending->object = object;
    sending->meta = meta;
    sending->offset = sending->end = sending->skip = 0;
    sending->wait = NULL;
    sending->piece_count = 0;
    sending->is_in_tail = false;
    sending->is_poisoned = is_poisoned(asking);
    sending->tail = asking->tail;
    asking->tail = NULL;
    sending->sliced = asking->sliced;
    asking->sliced = NULL;
    sending->bytes = asking->status.is_hit ? COUNTER_EDGE_HIT_BYTES : COUNTER_EDGE_MISS_BYTES;
    return sending;
}

static void send_unsatisfiable(struct exchange *exchange, uint64_t length)
{
    struct http_content_range storage;
    exchange_field(exchange, "Content-Range", http_content_range_unsatisfied(&storage, length));
    exchange_send_problem(exchange, 416, "Range not satisfiable",
                          "None of the bytes asked for exist, or too many ranges were asked for.");
}

/* --- bodies in slices: nothing is said before the first is at hand, so that a version that is gone
 * by then can still become another answer --- */

static void give_up_slices(struct asking *asking, int error)
{
    sliced_free(&asking->sliced);
    if (error == -ESTALE && !asking->has_restarted) {
        asking->has_restarted = true;
        asking_look_again(asking);
        return;
    }
    asking->outcome = FETCH_NO_ANSWER;
    asking->status.is_hit = false;
    asking->status.forward = CACHING_FORWARD_PARTIAL;
    answer_failed(asking);
}

static void on_first_slice(void *context)
{
    struct asking *asking = context;
    struct cache_object *object = asking->object;
    const struct cache_meta *meta = asking->meta;
    int state = sliced_state(asking->sliced);
    if (state != 0) {
        give_up_slices(asking, state);
        return;
    }
    asking->object = NULL;
    asking->meta = NULL;
    answer_stored(asking, object, meta, &asking->stored);
}

static void hold(struct asking *asking, struct cache_object *object, const struct cache_meta *meta,
                 const struct stored *stored)
{
    cache_object_unref(asking->object);
    cache_meta_unref(asking->meta);
    asking->object = object;
    asking->meta = meta;
    asking->stored = *stored;
}

/* True: the answer comes later, or has come. */
static bool waits_for_slice(struct asking *asking, struct cache_object *object,
                            const struct cache_meta *meta, const struct stored *stored,
                            const struct http_range *range)
{
    const struct slice_of of = {
        .url_key = asking->key,
        .version = slice_version(stored->fields),
        .length = stored->sliced_bytes,
        .slice_bytes = (uint64_t)asking->here->edge->config.policy.edge_slice_kib << 10};
    if (asking->sliced)
        return false;
    hold(asking, object, meta, stored);
    asking->sliced = sliced_new(asking, &of);
    int state = sliced_begin(asking->sliced, range->first, range->last + 1, on_first_slice, asking);
    if (state == 0) {
        asking->object = NULL;
        asking->meta = NULL;
        return false;
    }
    if (state != -EAGAIN)
        give_up_slices(asking, state);
    return true;
}

static uint64_t length_of(struct cache_object *object, const struct stored *stored)
{
    return stored->kind == STORED_SLICED ? stored->sliced_bytes : cache_object_length(object);
}

void answer_stored(struct asking *asking, struct cache_object *object,
                   const struct cache_meta *meta, const struct stored *held)
{
    struct exchange *exchange = asking->exchange;
    const struct stored stored = *held; /* which may be the asking's */
    struct http_range range = {0};
    struct http_content_range storage;
    unsigned status = stored.status;
    uint64_t length = length_of(object, &stored), whole = length;
    int64_t now_ms = edge_now_ms();
    enum http_range_result result = answer_range_of(asking, &stored, length, &range);
    bool is_fresh_copy = answer_is_not_modified(asking, &stored, now_ms / 1000);
    if (stored.kind == STORED_SLICED && !is_fresh_copy && result != HTTP_RANGE_UNSATISFIABLE &&
        exchange_request(exchange)->method == HTTP_METHOD_GET) {
        if (result == HTTP_RANGE_IGNORED)
            range.last = length - 1;
        if (waits_for_slice(asking, object, meta, &stored, &range))
            return;
        if (asking->status.is_hit && sliced_was_fetched(asking->sliced))
            asking->status =
                (struct caching_status){.forward = CACHING_FORWARD_PARTIAL, .is_stored = true};
    }
    add_age(asking, &stored.freshness, now_ms);
    answer_add_status(asking);
    count_stored(asking);
    struct sending *sending = sending_new(asking, object, meta);
    const struct edge_object *object_asked = asking->object_asked;
    asking_free(asking);
    if (is_fresh_copy) {
        status = 304;
        length = 0;
    } else if (result == HTTP_RANGE_UNSATISFIABLE) {
        give_back(sending);
        send_unsatisfiable(exchange, whole);
        return;
    } else if (result == HTTP_RANGE_PARTIAL) {
        status = 206;
        sending->offset = range.first;
        length = range.last - range.first + 1;
        exchange_field(exchange, "Content-Range", http_content_range_write(&storage, range, whole));
    }
    answer_add_fields(exchange, object_asked, stored.fields, status != 304, !sending->is_poisoned);
    send_body(sending, status, length);
}

const struct answers answers_of_exchanges = {answer_stored, answer_relayed, answer_failed};
