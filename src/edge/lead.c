// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "edge/forward.h"
#include "edge/lead_state.h"
#include "edge/prefetch.h"
#include "edge/slice.h"
#include "http/caching_update.h"
#include "http/caching_vary.h"

#include <assert.h>
#include <string.h>

/*
 * lead: one request upstream, on the home loop of its key, detached from whoever asked.
 *
 *     lead_asked ─▶ begin ─▶ fetch ─▶ on_header ─┬─▶ show: stored, or updated by a 304
 * (lead_store.c) ├─▶ help: a stale one instead of an error ├─▶ pass: to the one who asked, by a
 * relay └─▶ (nobody waits: background) on_slow ─▶ help  └─▶ on_body ─▶ on_end ─▶ land
 */
enum {
    ARENA_BYTES = 512 << 10,
    HELD_BYTES = 1 << 20, /* a stale one is at hand: a new one is not believed before it is whole */
};

static const struct fetch_handler handler;
static void begin(struct lead *lead, struct asking *asking);
/* --- followers --- */

static void hand_object(struct asking *asking, struct lead *lead, bool is_collapsed)
{
    asking->shown = cache_object_ref(lead->shown);
    asking->status = lead->status;
    asking->status.is_collapsed = is_collapsed;
    if (lead->writer && !lead->slice)
        asking->tail = tails_add(&lead->tails, asking->here->loop);
    if (is_collapsed || lead->slice) {
        asking->shown_key = mem_dup(lead->shown_key.data, lead->shown_key.size);
        asking->shown_key_size = lead->shown_key.size;
    }
    asking_deliver(asking, ASKING_OBJECT);
}

static void on_landing(struct flight_waiter *waiter, enum flight_result result, void *object)
{
    struct asking *asking = CONTAINER_OF(waiter, struct asking, waiter);
    if (result == FLIGHT_SHOWN)
        hand_object(asking, object, true);
    else
        asking_deliver(asking, ASKING_ALONE);
}

/* --- ends --- */

static void land(struct lead *lead, enum flight_result result)
{
    if (lead->flight)
        (void)flight_land(&lead->flight, result, loop_now_us(lead->home->loop));
}

void lead_show(struct lead *lead)
{
    struct asking *asker = lead->asker;
    lead->asker = NULL;
    if (asker)
        hand_object(asker, lead, false);
    if (lead->flight && lead->is_shareable)
        (void)flight_show(lead->flight, lead);
    else
        land(lead, FLIGHT_RELEASED);
}

static void fail(struct lead *lead, enum fetch_outcome outcome)
{
    struct asking *asker = lead->asker;
    lead->asker = NULL;
    if (asker) {
        asker->outcome = outcome;
        asker->status = lead->status;
        asking_deliver(asker, ASKING_FAILED);
    }
    land(lead, FLIGHT_FAILED);
}

static void unlink_lead(struct lead *lead)
{
    *lead->at = lead->next;
    if (lead->next)
        lead->next->at = lead->at;
}

/* With what has come of it, once. */
static void tell_prefetch(struct lead *lead, bool has_come, bool is_missing)
{
    struct prefetch *prefetch = lead->home->edge->prefetch;
    if (lead->is_prefetch && has_come)
        prefetch_came(prefetch, lead->prefetch, lead->write_at, edge_now_ms());
    else if (lead->is_prefetch)
        prefetch_came_not(prefetch, lead->prefetch, is_missing, edge_now_ms());
    lead->is_prefetch = false;
}

static void lead_free(struct lead *lead)
{
    tell_prefetch(lead, false, false);
    assert(!lead->asker && !lead->flight);
    unlink_lead(lead);
    cache_write_abort(&lead->writer);
    relay_end(&lead->relay, -EPIPE);
    tails_end(&lead->tails, -EPIPE);
    slice_flight_end(lead->home, &lead->slice_flight);
    cache_object_unref(lead->slice);
    cache_object_unref(lead->shown);
    cache_object_unref(lead->stale);
    if (lead->stale_meta)
        cache_meta_unref(lead->stale_meta);
    arena_free(&lead->arena);
    mem_free(lead);
}

/* --- helping: what is stale instead of what went wrong --- */

static bool is_failure(unsigned status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

static bool may_help(const struct lead *lead, bool was_answered)
{
    struct edge *edge = lead->home->edge;
    return lead->stale && !lead->shown && lead->is_enough &&
           !is_failure(lead->stale_stored.status) &&
           caching_may_help(&lead->stale_stored.freshness, was_answered, edge_now_ms(),
                            (int64_t)edge->config.policy.edge_stale_s * 1000);
}

static void help(struct lead *lead, const char *detail)
{
    lead->shown = cache_object_ref(lead->stale);
    lead->shown_key = lead->found_key;
    lead->is_shareable = true;
    lead->status.is_hit = true;
    lead->status.forward = CACHING_FORWARD_STALE;
    lead->status.detail = detail;
    lead_show(lead);
}

/* --- passing on --- */

static void on_room(void *context)
{
    struct lead *lead = context;
    fetch_resume(lead->fetch);
}

/* The client has gone: what is being stored for others goes on, the rest does not. */
static void on_leave(void *context)
{
    struct lead *lead = context;
    relay_end(&lead->relay, 0);
    if (lead->writer) {
        fetch_resume(lead->fetch);
        return;
    }
    fetch_cancel(lead->fetch);
    lead_free(lead);
}

/* --- the tail of what the store gave up --- */

static void on_tails_room(void *context)
{
    struct lead *lead = context;
    if (lead->is_given_up)
        fetch_resume(lead->fetch);
}

/* While it is being stored it goes on for others. */
static void on_tails_alone(void *context)
{
    struct lead *lead = context;
    if (!lead->is_given_up)
        return;
    fetch_cancel(lead->fetch);
    lead_free(lead);
}

/* `piece` begins at write_at; of it the store has taken what the object holds. */
static void give_up(struct lead *lead, struct text piece)
{
    struct cache_range ranges[CACHE_RANGES_MAX];
    size_t count = cache_object_ranges(lead->shown, ranges);
    uint64_t taken = count > 0 ? ranges[count - 1].end - lead->write_at : 0;
    counter_add(COUNTER_EDGE_GIVEN_UP, 1);
    cache_write_abort(&lead->writer);
    lead->is_given_up = true;
    land(lead, FLIGHT_OVER);
    if (lead->relay || lead->is_beside)
        return;
    if (!lead->tails.first)
        on_tails_alone(lead);
    else if (!tails_write(&lead->tails, text_from(piece, (size_t)taken)))
        fetch_pause(lead->fetch);
}

static uint64_t length_to_tell(const struct http_response *response)
{
    return response->content_length == UINT64_MAX ? CACHE_LENGTH_UNKNOWN : response->content_length;
}

static void pass(struct lead *lead, const struct http_response *response)
{
    struct caching_fields received = {response->fields, response->field_count}, kept;
    struct asking *asker = lead->asker;
    struct stored head = {.status = response->status};
    land(lead, FLIGHT_RELEASED);
    lead->asker = NULL;
    if (!asker) {
        tell_prefetch(lead, false, true);
        fetch_cancel(lead->fetch);
        lead_free(lead);
        return;
    }
    head.freshness.age_at_response_ms = CACHING_UNSET; /* its Age goes along as it came */
    if (!forward_response(received, NULL, lead->response_ms, lead->arena, &kept)) {
        asker->outcome = FETCH_FULL;
        asking_deliver(asker, ASKING_FAILED);
        return;
    }
    head.fields = kept;
    if (!stored_write(&head, &asker->head)) {
        asker->outcome = FETCH_NO_ANSWER;
        asking_deliver(asker, ASKING_FAILED);
        return;
    }
    asker->length = length_to_tell(response);
    if (asker->length == CACHE_LENGTH_UNKNOWN && response->framing == HTTP_BODY_NONE &&
        !text_equal(lead->method, TEXT("HEAD")))
        asker->length = 0;
    asker->status = lead->status;
    lead->relay = relay_new(lead->home->loop, &(struct relay_writer){on_room, on_leave, lead},
                            asker->here->loop);
    asker->relay = lead->relay;
    asking_deliver(asker, ASKING_RELAY);
}

/* --- what comes --- */

static void invalidate(struct lead *lead, const struct http_response *response)
{
    static const struct text names[] = {TEXT_INIT("Location"), TEXT_INIT("Content-Location")};
    struct caching_fields fields = {response->fields, response->field_count};
    struct edge *edge = lead->home->edge;
    if (!caching_invalidates(lead->method, response->status))
        return;
    edge_invalidate(edge, lead->host, lead->target);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct text location = caching_field(fields, names[i]);
        struct buffer target;
        buffer_init(&target, CACHE_KEY_MAX);
        if (location.data && caching_same_origin(lead->host, lead->target, location, &target) &&
            !target.overflowed)
            edge_invalidate(edge, lead->host, buffer_view(&target));
        buffer_release(&target);
    }
}

static void on_header(struct fetch *fetch, const struct http_response *response, void *context)
{
    struct lead *lead = context;
    lead->response_ms = edge_now_ms();
    lead->is_answered = true;
    lead->status.forward_status = response->status;
    invalidate(lead, response);
    if (lead->is_prefetch &&
        response->status != 200) { /* the end of a sequence, or no time for it */
        pass(lead, response);
        return;
    }
    if (lead->has_helped && is_failure(response->status))
        return;
    if (is_failure(response->status) && may_help(lead, true)) {
        lead->has_helped = true;
        help(lead, "stale-if-error");
        return;
    }
    switch (lead_keep(lead, response)) {
    case LEAD_SHOWN:
        if (!lead->has_helped)
            lead_show(lead);
        return;
    case LEAD_PASSES:
        pass(lead, response);
        return;
    case LEAD_AGAIN:
        fetch_cancel(fetch);
        lead->is_answered = false;
        begin(lead, lead->asker);
        return;
    case LEAD_WRONG:
        if (!lead->has_helped)
            fail(lead, FETCH_WRONG);
        return;
    }
}

static void on_body(struct fetch *fetch, struct text piece, void *context)
{
    struct lead *lead = context;
    if (lead->relay && !relay_write(lead->relay, piece))
        fetch_pause(fetch);
    if (lead->is_given_up && !tails_write(&lead->tails, piece))
        fetch_pause(fetch);
    if (!lead->writer)
        return;
    if (cache_write(lead->writer, piece) == 0)
        lead->write_at += piece.size;
    else
        give_up(lead, piece);
}

/* For the one who asked, if it still waits; others have come for the answer. */
static void on_interim(struct fetch *fetch UNUSED, const struct http_response *interim,
                       void *context)
{
    struct lead *lead = context;
    struct caching_fields fields = {interim->fields, interim->field_count};
    const struct stored head = {
        .kind = STORED_INTERIM, .status = interim->status, .fields = fields};
    if (lead->asker && interim->status > 101)
        asking_interim(lead->asker, &head);
}

/* An origin that keeps somebody waiting is not waited for by others, for a moment. */
static void on_slow(struct fetch *fetch UNUSED, void *context)
{
    struct lead *lead = context;
    if (lead->is_answered || lead->has_helped || !may_help(lead, false))
        return;
    edge_mark_slow(lead->home->edge, edge_now_ms());
    lead->has_helped = true;
    help(lead, "origin-slow");
}

/* As far as they go with a message that is passed on; what is stored has none (RFC 9110 6.5.1). */
static void note_trailers(struct lead *lead, const struct fetch_end *end)
{
    const struct stored trailers = {.kind = STORED_INTERIM,
                                    .fields = {end->trailers, end->trailer_count}};
    struct buffer note;
    if (!lead->relay || end->trailer_count == 0)
        return;
    buffer_init(&note, CACHE_META_MAX);
    if (stored_write(&trailers, &note))
        relay_note(lead->relay, buffer_view(&note));
    buffer_release(&note);
}

static void on_end(struct fetch *fetch UNUSED, const struct fetch_end *end, void *context)
{
    struct lead *lead = context;
    lead->fetch = NULL;
    if (!lead->is_answered) {
        if (!lead->has_helped && may_help(lead, false)) {
            lead->has_helped = true;
            help(lead, fetch_outcome_word(end->outcome));
        } else if (!lead->has_helped) {
            lead->status.detail = fetch_outcome_word(end->outcome);
            fail(lead, end->outcome);
        }
    }
    note_trailers(lead, end);
    tell_prefetch(lead, end->outcome == FETCH_DONE && lead->writer, false);
    lead_finish(lead, end->outcome == FETCH_DONE);
    relay_end(&lead->relay, end->outcome == FETCH_DONE ? 0 : -EIO);
    tails_end(&lead->tails, end->outcome == FETCH_DONE ? 0 : -EIO);
    land(lead, FLIGHT_OVER);
    lead_free(lead);
}

static const struct fetch_handler handler = {on_interim, on_header, on_body, on_slow, on_end};

/* --- beginning --- */

static struct caching_fields copy_fields(struct arena *arena, struct caching_fields fields)
{
    struct http_field *copies = arena_alloc(arena, (fields.count + 1) * sizeof *copies);
    for (size_t i = 0; copies && i < fields.count; i++)
        copies[i] = (struct http_field){arena_text(arena, fields.items[i].name),
                                        arena_text(arena, fields.items[i].value)};
    return (struct caching_fields){copies, copies ? fields.count : 0};
}

static bool may_slice(const struct asking *asking)
{
    uint64_t first;
    return lead_can_slice(asking->here->edge, asking->fields,
                          asking->object ? &asking->stored : NULL,
                          asking->forward != CACHING_FORWARD_PARTIAL, &first);
}

static struct lead *lead_new(struct edge_loop *home, struct asking *asking)
{
    struct lead *lead = MEM_NEW(struct lead);
    struct arena *arena = arena_new(ARENA_BYTES);
    *lead = (struct lead){.home = home, .arena = arena, .next = home->leads, .at = &home->leads};
    if (home->leads)
        home->leads->at = &lead->next;
    home->leads = lead;
    lead->tails = (struct tails){NULL, home->loop, on_tails_room, on_tails_alone, lead};
    lead->method = arena_text(arena, asking->method);
    lead->host = arena_text(arena, asking->host);
    lead->target = arena_text(arena, asking->target);
    lead->key = arena_text(arena, asking->key);
    lead->found_key = arena_text(arena, asking->found_key);
    lead->fields = copy_fields(arena, asking->fields);
    lead->sets = copy_fields(arena, asking->sets);
    lead->asked = asking->asked;
    lead->is_granted = asking->is_granted;
    lead->is_enough = asking->forward != CACHING_FORWARD_PARTIAL;
    lead->has_many_ranges = may_slice(asking);
    lead->status = (struct caching_status){.forward = asking->forward, .ttl_s = INT64_MIN};
    lead->generation = cache_generation(home->edge->config.cache);
    if (asking->object) {
        lead->stale = cache_object_ref(asking->object);
        lead->stale_meta = cache_object_meta(lead->stale);
        if (!stored_read(lead->stale_meta->bytes, arena, &lead->stale_stored)) {
            cache_object_unref(lead->stale);
            lead->stale = NULL;
        }
    }
    return lead;
}

static enum forward_conditions conditions_of(const struct lead *lead)
{
    bool is_get = text_equal(lead->method, TEXT("GET")),
         is_head = text_equal(lead->method, TEXT("HEAD"));
    if ((!is_get && !is_head) || lead->asked.no_store ||
        lead->status.forward == CACHING_FORWARD_METHOD || lead->is_as_asked || is_head)
        return FORWARD_AS_ASKED;
    bool can_ask = lead->stale && lead->is_enough &&
                   (caching_field(lead->stale_stored.fields, TEXT("ETag")).data ||
                    caching_field(lead->stale_stored.fields, TEXT("Last-Modified")).data);
    return can_ask ? FORWARD_VALIDATE : FORWARD_WHOLE;
}

/* Of a beginning that is held only the rest is asked for (RFC 9111 3.3). */
static uint64_t rest_from(const struct lead *lead)
{
    struct cache_range ranges[CACHE_RANGES_MAX];
    if (lead->is_enough || lead->wants_all || !lead->stale || lead->asked.has_range ||
        !text_equal(lead->method, TEXT("GET")))
        return 0;
    size_t count = cache_object_ranges(lead->stale, ranges);
    return count > 0 && ranges[0].begin == 0 ? ranges[0].end : 0;
}

static bool is_for_store(const struct lead *lead)
{
    return text_equal(lead->method, TEXT("GET")) && !lead->asked.no_store && !lead->is_as_asked;
}

/* What of it is asked for, beside what the client's own Range says. */
static struct text part_of(struct lead *lead)
{
    lead->rest_from = rest_from(lead);
    lead->is_slicing =
        lead->rest_from == 0 && is_for_store(lead) && !lead->wants_all && !lead->no_slices &&
        lead_can_slice(lead->home->edge, lead->fields, lead->stale ? &lead->stale_stored : NULL,
                       lead->is_enough, &lead->slice_first);
    if (lead->is_slicing)
        return lead_slice_range(lead);
    return lead->rest_from > 0
               ? arena_printf(lead->arena, "bytes=%llu-", (unsigned long long)lead->rest_from)
               : TEXT_NONE;
}

static bool forward_fields(struct lead *lead, struct asking *asking, struct caching_fields *ret)
{
    enum forward_conditions conditions = conditions_of(lead);
    bool tells = !lead->home->edge->config.policy.edge_hide_clients && asking;
    const struct exchange_peer *peer = tells ? exchange_peer(asking->exchange) : NULL;
    lead->validates = conditions == FORWARD_VALIDATE;
    struct text part = part_of(lead);
    return forward_request(
        &(struct forward){
            .asked = lead->fields,
            .conditions = conditions,
            .keeps_range = lead->asked.has_range && !lead->validates && !lead->wants_all,
            .part = part,
            .stored = lead->validates || lead->rest_from > 0 ? lead->stale_stored.fields
                                                             : (struct caching_fields){0},
            .client = peer ? text_of(peer->address) : TEXT_NONE,
            .is_secure = peer && peer->is_secure,
        },
        lead->arena, ret);
}

static void refuse(struct lead *lead, enum fetch_outcome outcome)
{
    fail(lead, outcome);
    lead_free(lead);
}

static void begin(struct lead *lead, struct asking *asking)
{
    struct edge *edge = lead->home->edge;
    struct caching_fields fields;
    if (!edge_loop_is_ready(lead->home) || !forward_fields(lead, asking, &fields)) {
        refuse(lead, FETCH_FULL);
        return;
    }
    lead->request_ms = edge_now_ms();
    const struct fetch_request request = {
        .method = lead->method,
        .target = lead->target,
        .host = lead->host,
        .fields = fields.items,
        .field_count = fields.count,
        .body = asking && exchange_request(asking->exchange)->has_body
                    ? exchange_body(asking->exchange)
                    : TEXT_NONE,
        .patience_ms = lead->stale ? edge->config.policy.edge_patience_ms : 0,
        .holds_bytes = lead->stale ? HELD_BYTES : 0,
        .is_background = !asking,
        .expects = !text_equal(lead->method, TEXT("GET"))
                       ? NULL
                       : expect_for(edge->config.expects, edge->config.expect_count, lead->target),
    };
    lead->fetch = fetch_start(lead->home->fetcher, &request, &handler, lead);
    if (!lead->fetch)
        refuse(lead, FETCH_NO_ANSWER);
}

static void lead_for(struct edge_loop *home, struct asking *asking, struct flight *flight)
{
    struct lead *lead = lead_new(home, asking);
    lead->flight = flight;
    lead->asker = asking;
    lead->no_slices = !flight && lead->has_many_ranges; /* not long ago it was in vain */
    lead->is_as_asked = asking->is_alone && !asking->is_read;
    lead->is_as_asked |= asking->forward == CACHING_FORWARD_REQUEST && !asking->object;
    begin(lead, asking);
}

/* --- being asked --- */

/* Those who ask for the same part of the same thing share an answer; those who are answered in
 * slices its header, whatever part they want. */
static struct text flight_key(struct asking *asking)
{
    struct text range = caching_field(asking->fields, TEXT("Range"));
    if (!range.data || (asking->object && asking->stored.kind == STORED_SLICED))
        return asking->found_key;
    if (may_slice(asking))
        return arena_printf(exchange_arena(asking->exchange), "%.*s\nin slices",
                            TEXT_ARGS(asking->found_key));
    return arena_printf(exchange_arena(asking->exchange), "%.*s\nrange %.*s",
                        TEXT_ARGS(asking->found_key), TEXT_ARGS(range));
}

/* Whether what was looked for in vain, or was stale, has come between the look-up and now: without
 * this a burst of requests would be two at the origin. */
static bool has_come(const struct asking *asking)
{
    struct cache_object *object = NULL;
    if (!asking->is_read || asking->has_looked_twice)
        return false;
    if (asking->object) {
        const struct cache_meta *meta = cache_object_meta(asking->object);
        bool is_other = meta != asking->meta;
        cache_meta_unref(meta);
        return is_other;
    }
    bool is_here =
        cache_get(asking->home->edge->config.cache, asking->found_key, &object) == CACHE_HERE;
    cache_object_unref(object);
    return is_here;
}

void lead_asked(void *context)
{
    struct asking *asking = context;
    struct edge_loop *home = asking->home;
    if (has_come(asking)) {
        asking_deliver(asking, ASKING_LATE);
        return;
    }
    struct flight *flight = NULL;
    struct text key = flight_key(asking);
    if (asking->is_alone || !key.data || !edge_loop_is_ready(home)) {
        lead_for(home, asking, NULL);
        return;
    }
    asking->waiter.on_landing = on_landing;
    switch (flight_join(home->flights, key, loop_now_us(home->loop), &asking->waiter, &flight)) {
    case FLIGHT_LEAD:
        lead_for(home, asking, flight);
        return;
    case FLIGHT_FOLLOW:
        return;
    case FLIGHT_READ:
        hand_object(asking, flight_object(flight), true);
        return;
    case FLIGHT_ALONE:
        lead_for(home, asking, NULL);
        return;
    case FLIGHT_FULL:
        asking->outcome = FETCH_FULL;
        asking_deliver(asking, ASKING_FAILED);
        return;
    }
}

/* --- behind an answer --- */

struct behind {
    struct edge_loop *home;
    struct lead *lead;
};

static void begin_behind(void *context)
{
    struct lead *lead = context;
    struct edge_loop *home = lead->home;
    struct flight *flight = NULL;
    lead->at = &home->leads;
    lead->next = home->leads;
    if (home->leads)
        home->leads->at = &lead->next;
    home->leads = lead;
    if (!edge_loop_is_ready(home) || flight_of(home->flights, lead->found_key)) {
        lead_free(lead); /* somebody asks already */
        return;
    }
    enum flight_role role = flight_join(home->flights, lead->found_key, loop_now_us(home->loop),
                                        &lead->waiter, &flight);
    if (role == FLIGHT_LEAD)
        lead->flight = flight;
    if (role != FLIGHT_LEAD && role != FLIGHT_ALONE) {
        lead_free(lead);
        return;
    }
    begin(lead, NULL);
}

static struct lead *lead_behind(struct asking *asking)
{
    struct edge_loop *home = edge_home(asking->here->edge, asking->found_key);
    struct edge_loop list = {.edge = asking->here->edge};
    struct lead *lead = lead_new(&list, asking);
    lead->tails.loop = home->loop;
    lead->home = home; /* it is in no list until it is there */
    return lead;
}

void lead_background(struct asking *asking)
{
    struct lead *lead = lead_behind(asking);
    loop_post(lead->home->loop, begin_behind, lead);
}

void lead_prefetch(struct asking *next, uint64_t number)
{
    struct lead *lead = lead_behind(next);
    lead->is_prefetch = true;
    lead->prefetch = number;
    loop_post(lead->home->loop, begin_behind, lead);
}

void lead_cut_all(struct edge_loop *home)
{
    while (home->leads) {
        struct lead *lead = home->leads;
        if (lead->fetch)
            fetch_cancel(lead->fetch);
        lead->fetch = NULL;
        fail(lead, FETCH_NO_ANSWER);
        lead_free(lead);
    }
}
