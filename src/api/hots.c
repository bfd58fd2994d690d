// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/hots.h"

#include "api/inside.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/server.h"
#include "library/library.h"

/* A message for one loop.  When the server has ended there the loop's place is empty. */
struct news {
    struct api *api;
    size_t index;
    bool forgets;            /* or: */
    struct catalog *catalog; /* or NULL: */
    struct hot_proof proof;
};

static void take_news(const struct news *news)
{
    struct hot *hot = news->api->hots[news->index];
    struct catalog *catalog = news->catalog;
    if (!hot)
        catalog_unref(&catalog);
    else if (news->forgets)
        hot_forget_proofs(hot);
    else if (catalog)
        hot_take_catalog(hot, catalog);
    else
        hot_learn(hot, &news->proof);
}

static void on_news(void *context)
{
    take_news(context);
    mem_free(context);
}

/* At home at once, so that what follows there finds it. */
static void tell(const struct news *news)
{
    const struct api *api = news->api;
    if (news->index == 0)
        take_news(news);
    else
        loop_post(server_loop(api->server, news->index), on_news, mem_dup(news, sizeof *news));
}

void hots_learn(struct api *api, size_t index, const struct hot_proof *proof)
{
    const struct news news = {.api = api, .index = index, .proof = *proof};
    tell(&news);
}

void hots_forget(struct api *api)
{
    for (size_t i = 0; i < api->hot_count; i++) {
        const struct news news = {.api = api, .index = i, .forgets = true};
        tell(&news);
    }
}

static void tell_catalog(struct api *api)
{
    for (size_t i = 0; i < api->hot_count; i++) {
        const struct news news = {
            .api = api, .index = i, .catalog = library_catalog(api->config.library)};
        tell(&news);
    }
}

static void on_library(struct library_subscriber *subscriber, bool is_new_catalog)
{
    struct api *api = CONTAINER_OF(subscriber, struct api, hot_subscriber);
    if (is_new_catalog)
        tell_catalog(api);
}

void hots_let_go(struct api *api)
{
    if (api->hot_subscriber.on_change)
        library_unsubscribe(api->config.library, &api->hot_subscriber);
    api->hot_subscriber.on_change = NULL;
}

static void on_loop_end(void *context, size_t index)
{
    struct api *api = context;
    if (index == 0)
        hots_let_go(api);
    hot_free(&api->hots[index]);
}

void hots_start(struct api *api, struct server *server)
{
    api->server = server;
    api->hot_count = server_loop_count(server);
    api->hots = mem_zalloc(api->hot_count * sizeof *api->hots);
    for (size_t i = 0; i < api->hot_count; i++)
        api->hots[i] = hot_new(server_loop(server, i), api->seed, api->config.limits);
    tell_catalog(api);
    api->hot_subscriber.on_change = on_library;
    library_subscribe(api->config.library, &api->hot_subscriber);
    server_at_loop_end(server, on_loop_end, api);
}
