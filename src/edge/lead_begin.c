// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "edge/forward.h"
#include "edge/lead_state.h"
#include "edge/prefetch.h"
#include "edge/slice.h"

#include <string.h>

/*
 * lead_begin: how a lead comes to be, on the home loop of its key, and what it asks upstream.
 *
 *     lead_asked ─┬─ it has come meanwhile ────────▶ the asker looks again
 *                 ├─ somebody leads already ───────▶ follow, or read along
 *                 └─ nobody does ─▶ lead_new ─▶ lead_begin ─▶ fetch (lead.c has its course)
 *     lead_background, lead_prefetch ─▶ the same, without an asker
 */
enum {
    ARENA_BYTES = 512 << 10,
    HELD_BYTES = 1 << 20, /* a stale one is at hand: a new one is not believed before it is whole */
};

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
    lead_init_tails(lead);
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
    bool is_own = lead->is_granted && edge_is_node(lead->home->edge);
    bool tells =
        !lead->home->edge->config.policy.edge_hide_clients && !is_own && asking && asking->exchange;
    const struct exchange_peer *peer = tells ? exchange_peer(asking->exchange) : NULL;
    lead->validates = conditions == FORWARD_VALIDATE;
    struct text part = part_of(lead);
    return forward_request(
        &(struct forward){
            .asked = lead->fields,
            .conditions = conditions,
            .keeps_range = lead->asked.has_range && !lead->validates && !lead->wants_all,
            .part = part,
            .is_own = is_own,
            .stored = lead->validates || lead->rest_from > 0 ? lead->stale_stored.fields
                                                             : (struct caching_fields){0},
            .client = peer ? text_of(peer->address) : TEXT_NONE,
            .is_secure = peer && peer->is_secure,
        },
        lead->arena, ret);
}

static void refuse(struct lead *lead, enum fetch_outcome outcome)
{
    lead_fail(lead, outcome);
    lead_free(lead);
}

void lead_begin(struct lead *lead, struct asking *asking)
{
    struct edge *edge = lead->home->edge;
    struct caching_fields fields;
    if (!edge_loop_is_ready(lead->home) || !forward_fields(lead, asking, &fields)) {
        refuse(lead, FETCH_FULL);
        return;
    }
    lead->request_ms = edge_now_ms();
    struct text secret = lead->is_granted ? edge->config.granted_query : TEXT_NONE;
    const struct fetch_request request = {
        .method = lead->method,
        .target = secret.size ? arena_printf(lead->arena, "%.*s&%.*s", TEXT_ARGS(lead->target),
                                             TEXT_ARGS(secret))
                              : lead->target,
        .host = lead->host,
        .fields = fields.items,
        .field_count = fields.count,
        .body = asking && asking->exchange && exchange_request(asking->exchange)->has_body
                    ? exchange_body(asking->exchange)
                    : TEXT_NONE,
        .patience_ms = lead->stale ? edge->config.policy.edge_patience_ms : 0,
        .holds_bytes = lead->stale ? HELD_BYTES : 0,
        .is_background = !asking || !asking->exchange,
        .expects = !text_equal(lead->method, TEXT("GET"))
                       ? NULL
                       : expect_for(edge->config.expects, edge->config.expect_count, lead->target),
    };
    lead->fetch = fetch_start(lead->home->fetcher, &request, &lead_handler, lead);
    if (!lead->fetch)
        refuse(lead, FETCH_NO_ANSWER);
    else if (!lead_may_help(lead, false))
        lead_watch(lead);
}

static void lead_for(struct edge_loop *home, struct asking *asking, struct flight *flight)
{
    struct lead *lead = lead_new(home, asking);
    lead->flight = flight;
    lead->asker = asking;
    lead->no_slices = !flight && lead->has_many_ranges; /* not long ago it was in vain */
    lead->is_as_asked = asking->is_alone && !asking->is_read;
    lead->is_as_asked |= asking->forward == CACHING_FORWARD_REQUEST && !asking->object;
    lead_begin(lead, asking);
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
        return arena_printf(asking->arena, "%.*s\nin slices", TEXT_ARGS(asking->found_key));
    return arena_printf(asking->arena, "%.*s\nrange %.*s", TEXT_ARGS(asking->found_key),
                        TEXT_ARGS(range));
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

static void on_landing(struct flight_waiter *waiter, enum flight_result result, void *object)
{
    struct asking *asking = CONTAINER_OF(waiter, struct asking, waiter);
    if (result == FLIGHT_SHOWN)
        lead_hand(asking, object, true);
    else
        asking_deliver(asking, ASKING_ALONE);
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
        lead_hand(asking, flight_object(flight), true);
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
    lead_begin(lead, NULL);
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
