// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/ahead.h"

#include "base/hash.h"
#include "edge/prefetch.h"

static uint64_t number_of(struct text key)
{
    static const struct hash_key any = {0x7072656665746368, 0x736f7374656e7574};
    return hash_bytes(any, key.data, key.size);
}

/* The client's, without what is about this one alone. */
static bool copy_fields(struct asking *asking, struct caching_fields *ret)
{
    const struct caching_fields fields = asking->fields;
    struct http_field *items =
        arena_alloc(exchange_arena(asking->exchange), (fields.count + 1) * sizeof *items);
    size_t count = 0;
    for (size_t i = 0; items && i < fields.count; i++)
        if (!text_equal_nocase(fields.items[i].name, TEXT("Range")) &&
            !text_starts_nocase(fields.items[i].name, TEXT("If-")))
            items[count++] = fields.items[i];
    *ret = (struct caching_fields){items, count};
    return items;
}

static bool is_held(struct edge *edge, struct text key)
{
    struct cache_object *object = NULL;
    enum cache_place place = cache_get(edge->config.cache, key, &object);
    cache_object_unref(object);
    return place != CACHE_ABSENT;
}

static void ask_ahead(struct asking *asking, struct text target, struct text key)
{
    struct edge *edge = asking->here->edge;
    uint64_t number = number_of(key);
    int64_t now_ms = edge_now_ms();
    struct asking next = {
        .here = asking->here,
        .method = TEXT("GET"),
        .host = asking->host,
        .target = target,
        .key = key,
        .found_key = key,
        .asked = {.max_age_s = CACHING_UNSET,
                  .min_fresh_s = CACHING_UNSET,
                  .max_stale_s = CACHING_UNSET,
                  .is_authorized = asking->asked.is_authorized},
        .is_granted = asking->is_granted,
        .forward = CACHING_FORWARD_URI_MISS,
    };
    if (is_held(edge, key) || edge_is_slow(edge, now_ms) ||
        !origins_are_alive(edge->config.origins) || !copy_fields(asking, &next.fields) ||
        !prefetch_may_begin(edge->prefetch, number, now_ms))
        return;
    lead_prefetch(&next, number);
}

/* What stands for the host in the key: who had to prove something is followed by what is proven. */
static struct text place_of(const struct asking *asking)
{
    return text_make(asking->key.data, text_find_byte(asking->key, '\n'));
}

static bool follow(struct asking *asking, struct text pattern)
{
    struct buffer target, key;
    buffer_init(&target, CACHE_KEY_MAX);
    buffer_init(&key, CACHE_KEY_MAX);
    bool fits = prefetch_next(pattern, asking->target, &target);
    if (fits) {
        prefetch_visited(asking->here->edge->prefetch, number_of(asking->key), edge_now_ms());
        stored_key(place_of(asking), buffer_view(&target), &key);
        if (!key.overflowed)
            ask_ahead(asking, buffer_view(&target), buffer_view(&key));
    }
    buffer_release(&target);
    buffer_release(&key);
    return fits;
}

void ahead_of(struct asking *asking)
{
    const struct edge_config *config = &asking->here->edge->config;
    if (!text_equal(asking->method, TEXT("GET")) || asking->is_alone)
        return;
    for (size_t i = 0; i < config->prefetch_count; i++)
        if (follow(asking, text_of(config->prefetch[i])))
            return;
}
