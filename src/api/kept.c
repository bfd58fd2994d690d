// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/kept.h"

#include "api/elsewhere.h"
#include "api/hots.h"
#include "api/proof.h"
#include "base/counters.h"

#include <unistd.h>

bool kept_is_wanted(const struct api *api, const struct track_row *row)
{
    struct library_file file;
    if (!api_keeps(api))
        return false;
    if (library_open_place(api->config.library, row->library, row->path, &file))
        return true;
    (void)close(file.fd);
    return false;
}

void kept_refuse(struct exchange *exchange)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    /* one that was moved is there as soon as a scan has found it */
    exchange_field(exchange, "Retry-After", TEXT("1"));
    exchange_send_problem(exchange, 503, "Not here just now",
                          "The file of this song is not here, and no node holds it.");
}

/* --- one object --- */

/* In the exchange's arena. */
struct kept {
    struct api *api;
    exchange_handler *ordinary;
};

/* On the connection's loop, when nobody has it. */
static void in_vain(struct exchange *exchange, void *context)
{
    const struct kept *kept = context;
    exchange_forget_fields(exchange);
    kept->ordinary(exchange, kept->api);
}

static void fetch(struct exchange *exchange, struct kept *kept, struct api_object *object)
{
    const struct api_elsewhere *elsewhere = &kept->api->config.elsewhere;
    object->otherwise = in_vain;
    object->context = kept;
    counter_add(COUNTER_KEPT_ASKED, 1);
    elsewhere->fetch(exchange, object, elsewhere->objects);
}

static struct kept *kept_new(struct api *api, struct exchange *exchange, exchange_handler *ordinary)
{
    struct kept *kept = arena_alloc(exchange_arena(exchange), sizeof *kept);
    if (kept)
        *kept = (struct kept){api, ordinary};
    return kept;
}

/* --- /m --- */

static void serve(struct exchange *exchange, void *context)
{
    struct kept *kept = context;
    const struct hot_proof *proof = proof_recall(kept->api, exchange);
    struct api_object object = {.target = exchange_request(exchange)->path,
                                .grant = proof_grant(exchange)};
    if (!proof || !elsewhere_opens_media(kept->api, exchange, proof, &object)) {
        kept->ordinary(exchange, kept->api);
        return;
    }
    proof_show(exchange, proof);
    fetch(exchange, kept, &object);
}

static void prove(struct exchange *exchange, void *context)
{
    struct kept *kept = context;
    struct hot_proof proof;
    if (proof_at_home(kept->api, exchange, &proof))
        exchange_go_back(exchange, serve, kept);
}

static bool is_away(const struct api *api, const struct exchange *exchange)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1), word;
    struct catalog_view view = {hot_catalog(api->hots[exchange_connection_index(exchange)]),
                                CATALOG_ALL_LIBRARIES};
    struct track_row row;
    struct catalog_id id;
    enum catalog_kind kind;
    if (!text_split(&rest, '/', &word) || !catalog_id_parse(word, &kind, &id) ||
        kind != CATALOG_TRACK)
        return false;
    uint32_t track = catalog_find(view, CATALOG_TRACK, &id);
    if (track == (uint32_t)CATALOG_NONE)
        return false;
    catalog_track(view.catalog, track, &row);
    return kept_is_wanted(api, &row);
}

bool kept_media(struct api *api, struct exchange *exchange, exchange_handler *ordinary)
{
    struct kept *kept =
        api_keeps(api) && is_away(api, exchange) ? kept_new(api, exchange, ordinary) : NULL;
    if (!kept)
        return false;
    if (proof_recall(api, exchange))
        serve(exchange, kept);
    else
        exchange_go_home(exchange, prove, kept);
    return true;
}

/* --- what turned out not to be here --- */

static void serve_proven(struct exchange *exchange, void *context)
{
    struct api_object object = {.target = exchange_request(exchange)->path,
                                .grant = proof_grant(exchange)};
    exchange_forget_fields(exchange);
    fetch(exchange, context, &object);
}

bool kept_object(struct api *api, struct exchange *exchange, exchange_handler *otherwise)
{
    struct kept *kept = api_keeps(api) ? kept_new(api, exchange, otherwise) : NULL;
    if (kept)
        exchange_go_back(exchange, serve_proven, kept);
    return kept;
}
