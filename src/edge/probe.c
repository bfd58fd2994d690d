// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/probe.h"

#include "base/mem.h"
#include "edge/origin.h"
#include "io/client.h"
#include "io/loop.h"

#include <assert.h>

/*
 *   timer ─▶ due ─┬─ may not (dead, asked a moment ago) ─────────────▶ timer
 *                 └─ ask ─▶ on_header ─▶ on_end ─▶ report ─▶ told ───▶ timer
 */
struct probe {
    struct probes *probes;
    struct client_origin *client_origin;
    struct client_pool *pool;
    struct client_call *call;
    struct loop_timer timer;
    uint64_t asked_us;
    unsigned status;  /* 0 until there is an answer */
    bool is_breakers; /* the breaker let it pass as the one that finds out */
};

struct probes {
    struct origins *origins;
    struct loop *loop;
    struct client *client;
    char *path;
    struct probe each[ORIGINS_MAX];
};

static size_t place_of(const struct probe *probe) { return (size_t)(probe - probe->probes->each); }

static void wait_on(struct probe *probe)
{
    struct probes *probes = probe->probes;
    const struct fetch_limits *limits = origins_limits(probes->origins);
    struct origin_view view;
    origins_look(probes->origins, place_of(probe), &view);
    uint64_t soon_us = limits->breaker_probe_ms * UINT64_C(1000), wait_us;
    if (view.failures >
        0) /* dead, or perhaps: once in that time, and whoever else asks counts too */
        wait_us = soon_us + origins_jittered_us(probes->origins, soon_us / 4);
    else
        wait_us = origins_jittered_us(probes->origins, limits->probe_interval_ms * UINT64_C(1000));
    loop_timer_start(probes->loop, &probe->timer, loop_now_us(probes->loop) + wait_us);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    ((struct probe *)context)->status = response->status;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct probe *probe = context;
    struct origins *origins = probe->probes->origins;
    uint64_t now_us = loop_now_us(probe->probes->loop);
    unsigned status = outcome == CLIENT_DONE ? probe->status : 0;
    probe->call = NULL;
    origins_probed(origins, place_of(probe), status, now_us - probe->asked_us);
    if (status > 0 && status < 500)
        origins_succeeded(origins, place_of(probe), now_us);
    else
        origins_failed(origins, place_of(probe), now_us, now_us);
    wait_on(probe);
}

static void ask(struct probe *probe)
{
    static const struct client_handler handler = {.on_header = on_header, .on_end = on_end};
    static const struct http_field fields[] = {
        {TEXT_INIT("User-Agent"), TEXT_INIT("sostenuto-probe")}};
    struct probes *probes = probe->probes;
    const struct client_request request = {.method = HTTP_METHOD_GET,
                                           .target = text_of(probes->path),
                                           .fields = fields,
                                           .field_count = ARRAY_SIZE(fields),
                                           .deadline_ms =
                                               origins_limits(probes->origins)->probe_timeout_ms,
                                           .discards = true};
    probe->status = 0;
    probe->asked_us = loop_now_us(probes->loop);
    probe->call = client_ask(probe->pool, &request, &handler, probe);
    assert(probe->call); /* one at a time, and its path is sound */
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);
    struct origins *origins = probe->probes->origins;
    if (origins_may_probe(origins, place_of(probe), now_us, &probe->is_breakers))
        ask(probe);
    else
        wait_on(probe);
}

static void begin(struct probes *probes, size_t i, struct workers *resolvers)
{
    struct probe *probe = &probes->each[i];
    struct client_limits limits = client_limits_default();
    limits.max_connections = 1;
    limits.connect_ms = origins_limits(probes->origins)->origin_connect_ms;
    probe->probes = probes;
    probe->client_origin =
        client_origin_named(probes->client, origins_url(probes->origins, i), resolvers, &limits);
    assert(probe->client_origin); /* origins_new() looked */
    probe->pool = client_pool_new(probe->client_origin, NULL);
    probe->timer.on_timer = on_timer;
    loop_timer_start(probes->loop, &probe->timer, loop_now_us(probes->loop));
}

struct probes *probes_start(struct origins *origins, struct loop *loop, struct workers *resolvers,
                            const char *path, char *why, size_t why_size)
{
    struct client *client = origins_nodes(origins)
                                ? client_new_between_nodes(loop, origins_nodes(origins))
                                : client_new(loop, origins_ca_file(origins), why, why_size);
    if (!client)
        return NULL;
    struct probes *probes = MEM_NEW(struct probes);
    probes->origins = origins;
    probes->loop = loop;
    probes->client = client;
    probes->path = mem_strdup(path);
    for (size_t i = 0; i < origins_count(origins); i++)
        begin(probes, i, resolvers);
    return probes;
}

void probes_stop(struct probes **probes)
{
    if (!*probes)
        return;
    for (size_t i = 0; i < origins_count((*probes)->origins); i++) {
        struct probe *probe = &(*probes)->each[i];
        loop_timer_stop(&probe->timer);
        if (probe->call)
            origins_gave_up((*probes)->origins, probe->is_breakers, i,
                            loop_now_us((*probes)->loop));
        client_pool_free(&probe->pool);
        client_origin_free(&probe->client_origin);
    }
    client_free(&(*probes)->client);
    mem_free((*probes)->path);
    mem_free_p(probes);
}
