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
 *     lead_begin ─▶ fetch ─▶ on_header ─┬─▶ show: stored, or updated by a 304 (lead_store.c)
 *                            │          ├─▶ help: a stale one instead of an error
 *                            │          ├─▶ pass: to the one who asked, by a relay
 *                            │          └─▶ (nobody waits: background)
 *                         on_slow ─▶ help └─▶ on_body ─▶ on_end ─▶ land
 */

/* --- followers --- */

void lead_hand(struct asking *asking, struct lead *lead, bool is_collapsed)
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
        lead_hand(asker, lead, false);
    if (lead->flight && lead->is_shareable)
        (void)flight_show(lead->flight, lead);
    else
        land(lead, FLIGHT_RELEASED);
}

void lead_fail(struct lead *lead, enum fetch_outcome outcome)
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

void lead_free(struct lead *lead)
{
    tell_prefetch(lead, false, false);
    assert(!lead->asker && !lead->flight);
    unlink_lead(lead);
    cache_write_abort(&lead->writer);
    relay_end(&lead->relay, -EPIPE);
    tails_end(&lead->tails, -EPIPE);
    lead_peers_release(lead);
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

bool lead_may_help(const struct lead *lead, bool was_answered)
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

void lead_init_tails(struct lead *lead)
{
    lead->tails = (struct tails){NULL, lead->home->loop, on_tails_room, on_tails_alone, lead};
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

/* An origin that cannot just now: who waits is told so when no peer has it either. */
static bool ask_peers_instead(struct lead *lead, struct fetch *fetch, unsigned status)
{
    if (!lead_may_ask_peers(lead))
        return false;
    lead->fetch = NULL;
    fetch_cancel(fetch);
    lead->is_answered = false;
    enum fetch_outcome outcome = status == 503 ? FETCH_FULL : FETCH_NO_ANSWER;
    if (!lead_ask_peers(lead, outcome))
        lead_without(lead, outcome);
    return true;
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
        lead_peers_stop(lead);
        pass(lead, response);
        return;
    }
    if (lead->has_helped && is_failure(response->status))
        return;
    if (is_failure(response->status) && lead_may_help(lead, true)) {
        lead->has_helped = true;
        help(lead, "stale-if-error");
        return;
    }
    if (is_failure(response->status) && ask_peers_instead(lead, fetch, response->status))
        return;
    lead_peers_stop(lead);
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
        lead_begin(lead, lead->asker);
        return;
    case LEAD_WRONG:
        if (!lead->has_helped)
            lead_fail(lead, FETCH_WRONG);
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
    if (lead->is_answered || lead->has_helped || !lead_may_help(lead, false))
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

static void tell_without(struct lead *lead, enum fetch_outcome outcome)
{
    if (!lead->has_helped && lead_may_help(lead, false)) {
        lead->has_helped = true;
        help(lead, fetch_outcome_word(outcome));
    } else if (!lead->has_helped) {
        lead->status.detail = fetch_outcome_word(outcome);
        lead_fail(lead, outcome);
    }
}

void lead_without(struct lead *lead, enum fetch_outcome outcome)
{
    tell_without(lead, outcome);
    land(lead, FLIGHT_OVER);
    lead_free(lead);
}

static void on_end(struct fetch *fetch UNUSED, const struct fetch_end *end, void *context)
{
    struct lead *lead = context;
    lead->fetch = NULL;
    if (!lead->is_answered && !lead->has_helped && !lead_may_help(lead, false) &&
        lead_ask_peers(lead, end->outcome))
        return;
    if (!lead->is_answered)
        tell_without(lead, end->outcome);
    note_trailers(lead, end);
    tell_prefetch(lead, end->outcome == FETCH_DONE && lead->writer, false);
    lead_finish(lead, end->outcome == FETCH_DONE);
    relay_end(&lead->relay, end->outcome == FETCH_DONE ? 0 : -EIO);
    tails_end(&lead->tails, end->outcome == FETCH_DONE ? 0 : -EIO);
    land(lead, FLIGHT_OVER);
    lead_free(lead);
}

const struct fetch_handler lead_handler = {on_interim, on_header, on_body, on_slow, on_end};

/* --- the end of its loop --- */

void lead_cut_all(struct edge_loop *home)
{
    while (home->leads) {
        struct lead *lead = home->leads;
        if (lead->fetch)
            fetch_cancel(lead->fetch);
        lead->fetch = NULL;
        lead_fail(lead, FETCH_NO_ANSWER);
        lead_free(lead);
    }
}
