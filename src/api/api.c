// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/inside.h"

#include "api/catalog_objects.h"
#include "api/changes.h"
#include "api/decide.h"
#include "api/endings.h"
#include "api/events.h"
#include "api/exposure.h"
#include "api/followers.h"
#include "api/hots.h"
#include "api/island.h"
#include "api/known.h"
#include "api/listeners.h"
#include "api/parcels.h"
#include "api/rebuild.h"
#include "api/nodes.h"
#include "api/replay.h"
#include "api/revoked.h"
#include "api/segments.h"
#include "api/shuffle.h"
#include "api/throttle.h"
#include "api/visits.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"
#include "trust/grant.h"
#include "trust/keyring.h"
#include "trust/node_certificate.h"

enum { GRANTS_REMEMBERED = 4096 };

static struct text copy(struct text t) { return text_make(text_dup(t), t.size); }

static struct uid own_id(const struct api_config *config)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    if (!config->elsewhere.node_seed)
        return (struct uid){{0}};
    node_key_of_seed(config->elsewhere.node_seed, key);
    return node_id_of(key);
}

struct api *api_new(const struct api_config *config)
{
    struct api *api = MEM_NEW(struct api);
    api->config = *config;
    api->config.version = copy(config->version);
    api->legacy_clients =
        mem_zalloc((config->legacy_client_count + 1) * sizeof(*api->legacy_clients));
    for (size_t i = 0; i < config->legacy_client_count; i++)
        api->legacy_clients[i] = copy(config->legacy_clients[i]);
    api->config.legacy_clients = api->legacy_clients;
    random_fill(&api->seed, sizeof(api->seed));
    api->config.signin = NULL; /* of api_new() alone */
    api->throttle = throttle_new(api->seed, config->signin);
    api->replay = replay_new(api->seed, config->signin->max_renewals);
    api->visits = visits_new();
    api->revoked = revoked_new(&api->config);
    api->known = known_new();
    api->shuffles = shuffles_new();
    api->ring = keyring_ref(config->ring);
    api->node_id = own_id(config);
    api->has_keys = !api_follows(api);
    api->grants = grant_cache_new(GRANTS_REMEMBERED);
    api->catalog_objects = catalog_objects_new(api);
    api->exposure = exposure_new(api);
    api->nodes = nodes_new(api);
    api->rebuild = rebuild_new(api);
    rebuild_begin(api);
    api->followers = followers_new(api);
    api->endings = endings_new(api);
    api->changes = changes_new(api);
    api->events = events_new(api);
    if (!api_follows(api))
        api->decider = decider_new(api);
    return api;
}

void api_let_go(struct api *api)
{
    stream_starts_end(api);
    segment_calls_end(api);
    exposure_free(&api->exposure);
    decider_free(&api->decider);
    events_free(&api->events);
    changes_free(&api->changes);
    endings_free(&api->endings);
    hots_let_go(api);
}

void api_drain(struct api *api)
{
    if (!api->changes) /* all was let go: another process has it */
        return;
    events_ask_to_move(api->events);
    changes_drain(api->changes);
}

void api_free(struct api **api_p)
{
    struct api *api = *api_p;
    if (!api)
        return;
    api_let_go(api);
    followers_free(&api->followers);
    catalog_objects_free(&api->catalog_objects);
    nodes_free(&api->nodes);
    rebuild_free(&api->rebuild);
    mem_free(api->hots);
    grant_cache_free(&api->grants);
    keyring_unref(&api->ring);
    shuffles_free(&api->shuffles);
    known_free(&api->known);
    revoked_free(&api->revoked);
    visits_free(&api->visits);
    replay_free(&api->replay);
    throttle_free(&api->throttle);
    for (size_t i = 0; i < api->config.legacy_client_count; i++)
        mem_free((void *)(uintptr_t)api->legacy_clients[i].data);
    mem_free(api->legacy_clients);
    mem_free((void *)(uintptr_t)api->config.version.data);
    mem_free_p(api_p);
}

void api_take_keyring(struct api *api, struct keyring *ring)
{
    atomic_fetch_add(&api->node_mark, 1);
    struct keyring *gone = api->ring;
    bool has_revoked = keyring_content(ring)->revoked_count != keyring_content(gone)->revoked_count;
    api->ring = keyring_ref(ring);
    api->has_keys = true;
    keyring_unref(&gone);
    island_take_nodes(api, nodes_list(api->nodes));
    if (api->changes)
        changes_look(api->changes);
    if (!has_revoked)
        return;
    grant_cache_forget(api->grants);
    hots_forget(api);
}

/* 0 for one that does not verify here: whoever gave it had newer keys. */
static int64_t issued_s_of(const struct api *api, struct text name, struct text bytes)
{
    struct signed_object object;
    int64_t now_s = clock_unix_ms() / 1000;
    enum signed_verdict verdict = keyring_check(api->ring, bytes, name, now_s, &object);
    return verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED ? object.issued_s : 0;
}

void api_take_object(struct api *api, struct text name, uint64_t epoch, uint64_t number,
                     struct text bytes)
{
    const struct sealed_version version = {epoch, number};
    atomic_fetch_add(&api->node_mark, 1);
    if (text_equal(name, TEXT("/revoked")))
        revoked_take(api->revoked, version, issued_s_of(api, name, bytes), bytes);
    else if (text_equal(name, TEXT("/nodes")))
        nodes_take(api->nodes, version, bytes);
    else
        catalog_objects_take(api->catalog_objects, name, version, bytes);
    if (api->changes)
        changes_look(api->changes);
}

void api_look_at_nodes(struct api *api)
{
    rebuild_look(api);
    if (api->changes)
        changes_look(api->changes);
}

struct node_list *api_node_list(const struct api *api) { return nodes_list(api->nodes); }

void api_routes(struct api *api, struct server *server)
{
    rest_routes(api, server);
    player_routes(api, server);
    object_routes(api, server);
    key_routes(api, server);
    catalog_objects_routes(api->catalog_objects, server);
    nodes_routes(api->nodes, server);
    revoked_routes(api, server);
    if (!api_follows(api)) {
        listener_routes(api, server);
        parcel_routes(api, server);
        rebuild_routes(api, server);
    }
    hots_start(api, server);
}
