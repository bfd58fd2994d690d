// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "edge/ahead.h"
#include "edge/answer.h"
#include "edge/sliced.h"
#include "edge/variants.h"
#include "http/caching_update.h"
#include "http/caching_vary.h"

#include <string.h>

/*
 * asking: one client's request, on the loop of its connection.
 *
 *     asking_begin.c ─▶ look ─▶ found ─┬─▶ look (the next set of Vary's names)
 *                                      └─▶ decide ─┬─▶ answer_stored
 *                                                  ├─▶ answer_stored and lead_background
 *                                                  └─▶ go_home ─▶ … ─▶ on_delivered ─▶ an answer
 */
void asking_free(struct asking *asking)
{
    cache_object_unref(asking->object);
    cache_object_unref(asking->shown);
    if (asking->meta)
        cache_meta_unref(asking->meta);
    relay_leave(&asking->relay);
    relay_leave(&asking->tail);
    sliced_free(&asking->sliced);
    buffer_release(&asking->head);
    mem_free(asking->shown_key);
    mem_free(asking);
}

/* --- to the home loop and back --- */

static void go_home(struct asking *asking)
{
    asking->home = edge_home(asking->here->edge, asking->found_key);
    loop_post(asking->home->loop, lead_asked, asking);
}

static bool is_the_variant(struct asking *asking, const struct stored *stored)
{
    struct buffer key;
    struct text names;
    buffer_init(&key, CACHE_KEY_MAX);
    struct buffer vary;
    buffer_init(&vary, CACHE_KEY_MAX);
    bool can_match = caching_vary_names(stored->fields, &vary);
    names = buffer_view(&vary);
    buffer_text(&key, asking->key);
    if (names.size > 0)
        stored_variant(names, asking->fields, &key);
    bool is_equal = can_match && text_equal(buffer_view(&key),
                                            text_make(asking->shown_key, asking->shown_key_size));
    buffer_release(&vary);
    buffer_release(&key);
    return is_equal;
}

static void ask_alone(struct asking *asking)
{
    mem_free(asking->shown_key);
    asking->shown_key = NULL;
    cache_object_unref(asking->shown);
    asking->shown = NULL;
    relay_leave(&asking->tail);
    asking->is_alone = true;
    go_home(asking);
}

void asking_look_again(struct asking *asking)
{
    cache_object_unref(asking->object);
    if (asking->meta)
        cache_meta_unref(asking->meta);
    asking->object = NULL;
    asking->meta = NULL;
    asking->sets = (struct caching_fields){0};
    asking->set_at = 0;
    asking->found_key = asking->key;
    asking->has_looked_twice = true;
    asking_look(asking, asking->key);
}

static void take_shown(struct asking *asking)
{
    struct stored stored;
    const struct cache_meta *meta = cache_object_meta(asking->shown);
    bool is_right = stored_read(meta->bytes, asking->arena, &stored);
    if (is_right && asking->shown_key && !is_the_variant(asking, &stored)) {
        cache_meta_unref(meta);
        ask_alone(asking);
        return;
    }
    if (!is_right) {
        cache_meta_unref(meta);
        asking->outcome = FETCH_CUT;
        asking->answers->failed(asking);
        return;
    }
    struct cache_object *object = asking->shown;
    if (asking->exchange)
        ahead_of(asking);
    asking->shown = NULL;
    if (stored.kind == STORED_SLICED && asking->shown_key)
        asking->found_key =
            arena_text(asking->arena, text_make(asking->shown_key, asking->shown_key_size));
    asking->answers->stored(asking, object, meta, &stored);
}

static void on_delivered(void *context)
{
    struct asking *asking = context;
    switch (asking->result) {
    case ASKING_OBJECT:
        take_shown(asking);
        return;
    case ASKING_RELAY:
        asking->answers->relayed(asking);
        return;
    case ASKING_ALONE:
        ask_alone(asking);
        return;
    case ASKING_LATE:
        asking_look_again(asking);
        return;
    case ASKING_FAILED:
        asking->answers->failed(asking);
        return;
    }
}

void asking_deliver(struct asking *asking, enum asking_result result)
{
    asking->result = result;
    loop_post(asking->here->loop, on_delivered, asking);
}

/* --- interim answers: messages of one sender arrive in order, so the asking still waits --- */

struct interim {
    struct asking *asking;
    struct buffer head;
};

static void on_interim(void *context)
{
    struct interim *interim = context;
    struct exchange *exchange = interim->asking->exchange;
    struct http_field kept[STORED_FIELDS_MAX];
    struct stored head;
    size_t count = 0;
    if (exchange && stored_read(buffer_view(&interim->head), exchange_arena(exchange), &head)) {
        for (size_t i = 0; i < head.fields.count; i++)
            if (caching_field_is_kept(head.fields, head.fields.items[i].name))
                kept[count++] = head.fields.items[i];
        exchange_interim(exchange, head.status, kept, count);
    }
    buffer_release(&interim->head);
    mem_free(interim);
}

void asking_interim(struct asking *asking, const struct stored *head)
{
    struct interim *interim = MEM_NEW(struct interim);
    interim->asking = asking;
    buffer_init(&interim->head, CACHE_META_MAX);
    if (stored_write(head, &interim->head)) {
        loop_post(asking->here->loop, on_interim, interim);
        return;
    }
    buffer_release(&interim->head);
    mem_free(interim);
}

/* --- deciding --- */

static void answer_found(struct asking *asking)
{
    struct cache_object *object = asking->object;
    const struct cache_meta *meta = asking->meta;
    if (asking->exchange)
        ahead_of(asking);
    asking->object = NULL;
    asking->meta = NULL;
    asking->answers->stored(asking, object, meta, &asking->stored);
}

static void revalidate_behind(struct asking *asking)
{
    if (edge_home(asking->here->edge, asking->found_key))
        lead_background(asking);
}

/* Without a word from an origin: none lives, or they have kept others waiting just now. */
static bool is_better_stale(const struct asking *asking, int64_t now_ms)
{
    struct edge *edge = asking->here->edge;
    if (origins_are_alive(edge->config.origins) && !edge_is_slow(edge, now_ms))
        return false;
    return caching_may_help(&asking->stored.freshness, false, now_ms,
                            (int64_t)edge->config.policy.edge_stale_s * 1000);
}

void asking_forward(struct asking *asking)
{
    if (asking->asked.only_if_cached) { /* RFC 9111 5.2.1.7 */
        asking->outcome = FETCH_NO_ORIGIN;
        asking->answers->failed(asking);
        return;
    }
    go_home(asking);
}

static enum caching_use use_of(struct asking *asking, int64_t now_ms)
{
    struct edge *edge = asking->here->edge;
    enum caching_use use = caching_use_of(&asking->stored.freshness, &asking->asked, now_ms);
    bool is_purged = cache_is_purged(edge->config.cache, asking->meta);
    asking->forward = CACHING_FORWARD_STALE;
    if (!answer_is_enough(asking, asking->object, &asking->stored)) {
        asking->forward = CACHING_FORWARD_PARTIAL;
        return CACHING_USE_NOT;
    }
    if (use == CACHING_USE_NOT &&
        caching_age_ms(&asking->stored.freshness, now_ms) < asking->stored.freshness.lifetime_ms &&
        !asking->stored.freshness.needs_validation)
        asking->forward = CACHING_FORWARD_REQUEST;
    return is_purged ? CACHING_USE_NOT : use;
}

static void decide(struct asking *asking)
{
    int64_t now_ms = edge_now_ms();
    if (!asking->object) {
        asking->forward = asking->sets.count ? CACHING_FORWARD_VARY_MISS : CACHING_FORWARD_URI_MISS;
        asking_forward(asking);
        return;
    }
    enum caching_use use = use_of(asking, now_ms);
    bool is_enough = asking->forward != CACHING_FORWARD_PARTIAL;
    asking->status = (struct caching_status){.is_hit = true, .ttl_s = INT64_MIN};
    if (use == CACHING_USE_FRESH || use == CACHING_USE_STALE) {
        answer_found(asking);
    } else if (use == CACHING_USE_REVALIDATE) {
        revalidate_behind(asking);
        answer_found(asking);
    } else if (is_enough && is_better_stale(asking, now_ms)) {
        asking->status.detail = "origin-away";
        revalidate_behind(asking);
        answer_found(asking);
    } else {
        asking_forward(asking);
    }
}

/* --- looking --- */

static void try_next_set(struct asking *asking)
{
    struct buffer key;
    if (asking->set_at >= asking->sets.count) {
        decide(asking);
        return;
    }
    buffer_init(&key, CACHE_KEY_MAX);
    buffer_text(&key, asking->key);
    bool can_fit = variants_key(&asking->sets.items[asking->set_at], asking->fields, &key);
    struct text own =
        can_fit && !key.overflowed ? arena_text(asking->arena, buffer_view(&key)) : TEXT_NONE;
    buffer_release(&key);
    if (asking->set_at++ == 0 && own.data)
        asking->found_key = own;
    if (own.data)
        asking_look(asking, own);
    else
        try_next_set(asking);
}

/* The names outlive the object that lists them. */
static bool take_sets(struct asking *asking, const struct stored *list)
{
    struct arena *arena = asking->arena;
    struct http_field *sets = arena_alloc(arena, (list->fields.count + 1) * sizeof *sets);
    if (!sets || asking->sets.items)
        return false; /* no memory; or a list in a list */
    for (size_t i = 0; i < list->fields.count; i++)
        sets[i] = (struct http_field){arena_text(arena, list->fields.items[i].name),
                                      arena_text(arena, list->fields.items[i].value)};
    asking->sets = (struct caching_fields){sets, list->fields.count};
    return true;
}

/* A part that stands alone: only to that question, which no If-Range or HEAD is (RFC 9110 14.2). */
static bool may_answer(const struct asking *asking, const struct stored *stored)
{
    return stored->status != 206 || (text_equal(asking->method, TEXT("GET")) &&
                                     !caching_field(asking->fields, TEXT("If-Range")).data);
}

static void found(void *context, struct cache_object *object)
{
    struct asking *asking = context;
    const struct cache_meta *meta = object ? cache_object_meta(object) : NULL;
    struct stored stored;
    bool is_read = meta && stored_read(meta->bytes, asking->arena, &stored);
    bool is_list = is_read && stored.kind == STORED_LIST;
    if (is_read && !is_list && may_answer(asking, &stored)) {
        asking->object = object;
        asking->meta = meta;
        asking->stored = stored;
        asking->found_key = asking->tried_key;
        decide(asking);
        return;
    }
    if (is_list)
        (void)take_sets(asking, &stored);
    if (meta)
        cache_meta_unref(meta);
    cache_object_unref(object);
    try_next_set(asking);
}

void asking_look(struct asking *asking, struct text key)
{
    struct cache *cache = asking->here->edge->config.cache;
    struct cache_object *object = NULL;
    asking->tried_key = key;
    enum cache_place place = cache_get(cache, key, &object);
    if (place != CACHE_ON_DISK)
        found(asking, place == CACHE_HERE ? object : NULL);
    else if (!cache_ask(cache, key, asking->here->loop, found, asking))
        found(asking, NULL);
}
