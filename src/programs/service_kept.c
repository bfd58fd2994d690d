// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_kept.h"

#include "io/workers.h"
#include "programs/edge_objects.h"
#include "programs/service.h"
#include "state/state.h"
#include "trust/keyfolder.h"
#include "trust/node_list.h"

#include <limits.h>
#include <unistd.h>

enum { RESOLVERS = 1, RESOLVERS_QUEUE = 64 };
static const uint64_t look_us = 5 * 1000 * 1000;

/* --- opening --- */

static bool has_file(const struct service *service, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", service->settings.data, name);
    return access(path, F_OK) == 0;
}

static void say(const struct service *service, struct text why)
{
    LOG(&service->logging.logger, LOG_WARNING,
        "what this node kept as an edge is not served: songs whose files are not here do not play",
        {"why", why});
}

static bool open_cache(struct service *service)
{
    const struct settings *settings = &service->settings;
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s/cache", settings->data);
    const struct cache_config config = {
        .folder = folder,
        .memory_bytes = (uint64_t)settings->cache_memory_mib << 20,
        .disk_bytes = (uint64_t)settings->cache_disk_mib << 20,
    };
    int error = cache_open(&config, &service->kept.cache);
    if (error)
        say(service, log_errno(error));
    return error == 0;
}

static bool open_origins(struct service *service)
{
    char words[300] = "";
    const char *ca = service->settings.origin_ca;
    const struct origins_config config = {
        .has_none = true, .ca_file = ca[0] ? ca : NULL, .limits = service->settings.fetch_limits};
    service->kept.origins = origins_new(&config, words, sizeof words);
    if (!service->kept.origins)
        say(service, text_of(words));
    return service->kept.origins;
}

static bool is_linked(void *context UNUSED) { return false; }

void service_kept_open(struct service *service, struct api_elsewhere *ret)
{
    struct service_kept *kept = &service->kept;
    *ret = (struct api_elsewhere){.is_linked = is_linked};
    if (!has_file(service, "promoted") || !has_file(service, "cache/index") ||
        !open_origins(service) || !open_cache(service))
        return;
    kept->resolvers = workers_start("resolvers", RESOLVERS, RESOLVERS_QUEUE);
    edge_objects_fill(ret, &kept->edge);
}

/* --- other edges --- */

static void take_peers(struct service *service)
{
    const struct node_list *list = api_node_list(service->api);
    struct text urls[NODE_LIST_MAX];
    size_t count = 0;
    for (size_t i = 0; list && i < node_list_count(list); i++) {
        const struct node_entry *entry = node_list_at(list, i);
        if (entry->role == NODE_ENTRY_EDGE && entry->is_welcome && entry->url_count > 0)
            urls[count++] = entry->urls[0];
    }
    edge_take_peers(service->kept.edge, state_health(service->node.state).device, urls, count);
}

/* Edges come and go, and keys change: seldom. */
static void look(struct service *service)
{
    struct keyring *ring = keyfolder_ring(service->node.keyfolder);
    edge_take_ring(service->kept.edge, ring);
    keyring_unref(&ring);
    take_peers(service);
    loop_timer_start(service->loop, &service->kept.look, loop_now_us(service->loop) + look_us);
}

static void on_look(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct service *service = CONTAINER_OF(timer, struct service, kept.look);
    if (!service->gave_way)
        look(service);
}

void service_kept_serve(struct service *service)
{
    struct service_kept *kept = &service->kept;
    const struct settings *settings = &service->settings;
    if (!kept->cache)
        return;
    const struct edge_config config = {
        .cache = kept->cache,
        .origins = kept->origins,
        .resolvers = kept->resolvers,
        .policy = settings->edge_policy,
        .disk_bytes = (uint64_t)settings->cache_disk_mib << 20,
        .is_inside = true,
    };
    kept->edge = edge_new(service->server, &config);
    kept->look.on_timer = on_look;
    look(service);
}

/* --- closing --- */

void service_kept_let_go(struct service *service)
{
    loop_timer_stop(&service->kept.look);
    if (service->kept.cache)
        cache_let_go(service->kept.cache);
}

void service_kept_stop(struct service *service)
{
    loop_timer_stop(&service->kept.look);
    if (service->kept.resolvers)
        workers_finish(service->kept.resolvers); /* they post to loops that go with what follows */
}

void service_kept_close(struct service *service)
{
    struct service_kept *kept = &service->kept;
    edge_free(&kept->edge);
    origins_free(&kept->origins);
    if (kept->resolvers)
        workers_stop(&kept->resolvers);
    if (kept->cache)
        cache_close(&kept->cache);
}
