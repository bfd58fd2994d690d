// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/edge.h"

#include "base/guard.h"
#include "base/hash.h"
#include "base/mem.h"
#include "edge/peers_state.h"
#include "edge/prefetch.h"
#include "edge/slice.h"
#include "edge/state.h"
#include "http/fields.h"
#include "io/clock.h"
#include "io/loop.h"
#include "trust/keyring.h"

#include <assert.h>
#include <string.h>

/* edge: what all loops share, what each has of its own, and the marks by which things are purged.
 */
enum {
    SLOW_MS = 1000,        /* so long what is stale is given at once */
    ANY_FLIGHTS = 1 << 20, /* where a drill wants no bound */
};

struct edge_policy edge_policy_default(void)
{
    return (struct edge_policy){
#define LIMIT(name, type, standard, help) .name = (standard),
#include "edge/edge.def"
#undef LIMIT
    };
}

int64_t edge_now_ms(void) { return clock_unix_ms(); }

/* --- loops --- */

struct edge_loop *edge_home(struct edge *edge, struct text key)
{
    static const struct hash_key place = {0x736f7374656e7574, 0x6f2d656467652d31};
    return &edge->loops[hash_bytes(place, key.data, key.size) % edge->loop_count];
}

static struct flights *new_flights(const struct fetch_limits *limits, uint64_t seed)
{
    bool is_bound = guard_is_on(GUARD_FLIGHTS);
    return flights_new(&(struct flights_limits){is_bound ? limits->max_flights : ANY_FLIGHTS,
                                                is_bound ? limits->max_flight_waiters : ANY_FLIGHTS,
                                                limits->uncacheable_ms, limits->uncacheable_kept},
                       seed);
}

bool edge_loop_is_ready(struct edge_loop *here)
{
    const struct edge_config *config = &here->edge->config;
    const struct fetch_limits *limits = origins_limits(config->origins);
    char why[200];
    if (here->has_ended)
        return false;
    if (!here->flights)
        here->flights = new_flights(limits, hash_mix((uint64_t)(uintptr_t)here));
    if (!here->fetcher)
        here->fetcher =
            fetcher_new(config->origins, here->loop, config->resolvers, why, sizeof why);
    return here->fetcher;
}

static void end_loop(void *context, size_t index)
{
    struct edge *edge = context;
    struct edge_loop *here = &edge->loops[index];
    here->has_ended = true;
    lead_cut_all(here);
    slice_cut_all(here);
    bring_cut_all(here);
    fetcher_free(&here->fetcher);
    peer_line_free(&here->peer_line);
    flights_free(&here->flights);
}

/* No origin of ours takes more of a listener (api/player.c): what is larger it would refuse after
 * it lay here whole, be it a stranger's. */
enum { NODE_BODY_BYTES = 2 << 20 };

static size_t max_body_bytes(const struct edge *edge)
{
    size_t most = edge->config.policy.edge_body_bytes;
    if (!guard_is_on(GUARD_EDGE_BODY))
        return UINT32_MAX;
    return edge_is_node(edge) && most > NODE_BODY_BYTES ? NODE_BODY_BYTES : most;
}

static void add_route(struct edge *edge)
{
    const struct edge_config *config = &edge->config;
    server_route(edge->server,
                 &(struct server_route){.methods = "*",
                                        .path = "/",
                                        .max_body_bytes = max_body_bytes(edge),
                                        .class = SHIELD_CLASS_NEW_VISIT,
                                        .handler = config->first ? config->first : edge_handle,
                                        .context = config->first ? config->first_context : edge,
                                        .runs_anywhere = true});
}

struct edge *edge_new(struct server *server, const struct edge_config *config)
{
    size_t count = server_loop_count(server);
    struct edge *edge = mem_zalloc(sizeof *edge + count * sizeof *edge->loops);
    edge->server = server;
    edge->config = *config;
    edge->config.query.sorts = config->policy.edge_sort_query;
    edge->loop_count = count;
    edge->prefetch = prefetch_new(
        &(struct prefetch_limits){(uint64_t)config->policy.edge_prefetch_kib_s << 10,
                                  (uint64_t)config->policy.edge_prefetch_unused_mib << 20,
                                  config->policy.edge_prefetch_at_once});
    atomic_init(&edge->slow_until_ms, 0);
    pthread_mutex_init(&edge->lock, NULL);
    for (size_t i = 0; i < count; i++) {
        edge->loops[i].edge = edge;
        edge->loops[i].loop = server_loop(server, i);
    }
    if (!config->is_inside)
        add_route(edge);
    server_at_loop_end(server, end_loop, edge);
    return edge;
}

void edge_free(struct edge **edge)
{
    if (!*edge)
        return;
    prefetch_free(&(*edge)->prefetch);
    peers_unref(&(*edge)->peers);
    keyring_unref(&(*edge)->ring);
    pthread_mutex_destroy(&(*edge)->lock);
    mem_free_p(edge);
}

bool edge_is_node(const struct edge *edge) { return origins_nodes(edge->config.origins) != NULL; }

/* --- peers --- */

void edge_take_peers(struct edge *edge, struct uid own_id, const struct text *urls, size_t count)
{
    struct peers *gone = NULL;
    count = count < PEERS_MAX ? count : PEERS_MAX;
    pthread_mutex_lock(&edge->lock);
    if (!edge->peers || !peers_are(edge->peers, urls, count)) {
        gone = edge->peers;
        edge->own_id = own_id;
        edge->peers = peers_new(urls, count, origins_ca_file(edge->config.origins),
                                origins_limits(edge->config.origins));
    }
    pthread_mutex_unlock(&edge->lock);
    peers_unref(&gone);
}

void edge_take_ring(struct edge *edge, struct keyring *ring)
{
    pthread_mutex_lock(&edge->lock);
    struct keyring *gone = edge->ring;
    edge->ring = keyring_ref(ring);
    pthread_mutex_unlock(&edge->lock);
    keyring_unref(&gone);
}

struct peers *edge_peers(struct edge *edge)
{
    pthread_mutex_lock(&edge->lock);
    struct peers *peers = edge->peers ? peers_ref(edge->peers) : NULL;
    pthread_mutex_unlock(&edge->lock);
    return peers;
}

struct keyring *edge_ring(struct edge *edge)
{
    pthread_mutex_lock(&edge->lock);
    struct keyring *ring = edge->ring ? keyring_ref(edge->ring) : NULL;
    pthread_mutex_unlock(&edge->lock);
    return ring;
}

/* --- slow origins --- */

void edge_mark_slow(struct edge *edge, int64_t now_ms)
{
    atomic_store(&edge->slow_until_ms, now_ms + SLOW_MS);
}

bool edge_is_slow(const struct edge *edge, int64_t now_ms)
{
    return now_ms < atomic_load(&edge->slow_until_ms);
}

/* --- marks: "u" a URL, "p" a folder, "t" a tag, each with what it is of --- */

static uint64_t mark_of(struct edge *edge, char kind, struct text a, struct text b)
{
    struct buffer name;
    buffer_init(&name, CACHE_KEY_MAX);
    buffer_byte(&name, (uint8_t)kind);
    buffer_text(&name, a);
    buffer_byte(&name, '\n');
    buffer_text(&name, b);
    uint64_t mark = cache_mark(edge->config.cache, buffer_view(&name));
    buffer_release(&name);
    return mark;
}

static size_t add_folders(struct edge *edge, struct text host, struct text target, uint64_t *ret,
                          size_t room)
{
    size_t count = 0, query = text_find_byte(target, '?');
    struct text path = query == SIZE_MAX ? target : text_make(target.data, query);
    for (size_t i = 0; i < path.size && count < room; i++)
        if (path.data[i] == '/')
            ret[count++] = mark_of(edge, 'p', host, text_make(path.data, i + 1));
    return count;
}

static size_t add_tags(struct edge *edge, struct text list, char separator, uint64_t *ret,
                       size_t room)
{
    struct text tag;
    size_t count = 0;
    while (count < room && text_split(&list, separator, &tag)) {
        tag = text_trim(tag);
        if (tag.size > 0)
            ret[count++] = mark_of(edge, 't', tag, TEXT_NONE);
    }
    return count;
}

size_t edge_marks(struct edge *edge, struct text host, struct text target,
                  struct caching_fields response, uint64_t ret[CACHE_MARKS_MAX])
{
    static const struct {
        struct text name;
        char separator;
    } lists[] = {
        {TEXT_INIT("Cache-Tag"), ','}, {TEXT_INIT("Surrogate-Key"), ' '}, {TEXT_INIT("xkey"), ' '}};
    size_t count = 0;
    ret[count++] = mark_of(edge, 'u', host, target);
    count += add_folders(edge, host, target, ret + count, CACHE_MARKS_MAX / 2 - count);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct text value = caching_field(response, lists[i].name);
        count += add_tags(edge, value, lists[i].separator, ret + count, CACHE_MARKS_MAX - count);
    }
    return count;
}

void edge_invalidate(struct edge *edge, struct text host, struct text target)
{
    cache_purge(edge->config.cache, mark_of(edge, 'u', host, target));
}

void edge_purge_url(struct edge *edge, struct text host, struct text target, cache_purged *kept,
                    void *context)
{
    cache_purge_kept(edge->config.cache, mark_of(edge, 'u', host, target), kept, context);
}

void edge_purge_prefix(struct edge *edge, struct text host, struct text path, cache_purged *kept,
                       void *context)
{
    cache_purge_kept(edge->config.cache, mark_of(edge, 'p', host, path), kept, context);
}

void edge_purge_tag(struct edge *edge, struct text tag, cache_purged *kept, void *context)
{
    cache_purge_kept(edge->config.cache, mark_of(edge, 't', tag, TEXT_NONE), kept, context);
}
