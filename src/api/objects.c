// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * objects: audio and artwork by name, for whoever holds a grant.
 *
 *     /m/{track}/original?g=                       the bytes as they are now
 *     /m/{track}/original.{version}.{ext}?g=       the bytes of that version, for ever the same
 *     /art/{art id}/{size}.{webp|jpg}?g=           sizes 64 128 300 600 1200
 *
 * Manifests and segments are in manifests.c and segments.c, digests of both of these in
 * pieces_object.c.
 *
 * Both run where the connection lives, on what that loop remembers (hot.h).  What it does not know,
 * and every refusal, is the home loop's.
 */
#include "api/art.h"
#include "api/elsewhere.h"
#include "api/hls.h"
#include "api/hots.h"
#include "api/inside.h"
#include "api/kept.h"
#include "api/lyrics_object.h"
#include "api/manifests.h"
#include "api/names.h"
#include "api/object_classes.h"
#include "api/pieces_object.h"
#include "api/proof.h"
#include "api/segments.h"
#include "api/track.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/server.h"

#include <inttypes.h>
#include <unistd.h>

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static void not_found(struct exchange *exchange)
{
    problem(exchange, 404, "Not found", "There is nothing of this name, or not for this listener.");
}

static struct hot *hot_of(struct api *api, const struct exchange *exchange)
{
    return api->hots[exchange_connection_index(exchange)];
}

/* --- /m --- */

static bool parse_media(const struct exchange *exchange, struct media_name *ret)
{
    return names_media(exchange_request(exchange)->path, ret);
}

static void add_media_fields(struct exchange *exchange, const struct media_name *name)
{
    exchange_lasting_field(
        exchange, "Cache-Control",
        object_cache_control(name->has_version ? OBJECT_ORIGINAL : OBJECT_ORIGINAL_NOW));
}

/* What lies where the catalogue says, if it is that version.  False: the home loop looks further.
 */
static bool open_row(struct api *api, const struct catalog *catalog, uint32_t track,
                     const struct media_name *name, struct library_file *ret,
                     struct text *ret_content_type)
{
    struct track_row row;
    catalog_track(catalog, track, &row);
    *ret_content_type = row.content_type;
    if (library_open_place(api->config.library, row.library, row.path, ret))
        return false;
    if (!name->has_version || ret->version == name->version)
        return true;
    close(ret->fd);
    return false;
}

/* A song that is where it was: no other loop, no lock, no database.  False: nothing was done. */
static bool send_hot_media(struct api *api, struct exchange *exchange,
                           const struct hot_proof *proof, const struct media_name *name)
{
    struct hot *hot = hot_of(api, exchange);
    struct catalog_view view = {hot_catalog(hot), (uint32_t)proof->libraries};
    struct open_file_key key = {.version = name->version};
    struct library_file file;
    struct text content_type;
    memcpy(key.id, name->id.bytes, sizeof key.id);
    uint32_t track = catalog_find(view, CATALOG_TRACK, &name->id);
    if (track == (uint32_t)CATALOG_NONE || !hot_proof_opens(proof, name->id.bytes))
        return false;
    struct open_file *lent = name->has_version ? open_files_lend(hot_files(hot), &key) : NULL;
    if (!lent && !open_row(api, view.catalog, track, name, &file, &content_type))
        return false;
    if (!lent) {
        key.version = file.version;
        lent = open_files_keep(hot_files(hot), &key, file.fd, content_type, 0);
        if (!lent)
            return false;
    }
    proof_show(exchange, proof);
    add_media_fields(exchange, name);
    track_send_lent(api, exchange, lent);
    return true;
}

static bool sees_track(struct api *api, uint64_t libraries, const struct catalog_id *id)
{
    struct catalog *catalog = library_catalog(api->config.library);
    struct catalog_view view = {catalog, (uint32_t)libraries};
    bool sees = catalog_find(view, CATALOG_TRACK, id) != (uint32_t)CATALOG_NONE;
    catalog_unref(&catalog);
    return sees;
}

static void send_original(struct api *api, struct exchange *exchange, const struct media_name *name)
{
    struct library_file file;
    if (library_open_track(api->config.library, name->id.bytes, &file)) {
        if (api_keeps(api))
            kept_refuse(exchange);
        else
            not_found(exchange);
        return;
    }
    if (name->has_version && file.version != name->version) {
        close(file.fd);
        problem(exchange, 404, "Another version",
                "The file has changed since; ask for the track's original anew.");
        return;
    }
    add_media_fields(exchange, name);
    track_send_file(api, exchange, &name->id, &file);
}

static void media_at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct media_name name;
    struct hot_proof proof;
    bool is_name = parse_media(exchange, &name);
    if (!proof_at_home(api, exchange, &proof))
        return;
    if (is_name && hot_proof_opens(&proof, name.id.bytes) &&
        sees_track(api, proof.libraries, &name.id))
        send_original(api, exchange, &name);
    else
        not_found(exchange);
}

static void media_here(struct exchange *exchange, void *context)
{
    struct media_name name;
    bool is_original = parse_media(exchange, &name);
    if (!is_original &&
        (segments_handle(context, exchange) || manifests_handle(context, exchange) ||
         hls_handle(context, exchange) || lyrics_object_handle(context, exchange) ||
         pieces_object_handle(context, exchange)))
        return;
    const struct hot_proof *proof = proof_recall(context, exchange);
    if (!proof || !is_original || !send_hot_media(context, exchange, proof, &name))
        exchange_go_home(exchange, media_at_home, context);
}

static void handle_media(struct exchange *exchange, void *context)
{
    if (!kept_media(context, exchange, media_here))
        media_here(exchange, context);
}

/* --- /art --- */

static bool parse_art(struct art_request *request)
{
    struct art_name name;
    if (!names_art(exchange_request(request->exchange)->path, &name))
        return false;
    request->picture = name.id;
    request->size_px = name.size_px;
    request->format = name.format;
    return true;
}

static void no_picture(struct exchange *exchange, void *context UNUSED) { not_found(exchange); }

/* In the exchange's arena. */
struct picture {
    struct api *api;
    struct exchange *exchange;
};

static void on_art(void *context, enum art_outcome outcome)
{
    const struct picture *picture = context;
    struct exchange *exchange = picture->exchange;
    if (outcome == ART_NONE && !kept_object(picture->api, exchange, no_picture))
        not_found(exchange);
    if (outcome != ART_BUSY)
        return;
    exchange_field(exchange, "Retry-After", TEXT("1"));
    problem(exchange, 503, "Not now", "Too many pictures are being made just now.");
}

static void art_at_home(struct exchange *exchange, void *context)
{
    struct art_request request = {.api = context,
                                  .exchange = exchange,
                                  .cache_control = object_cache_control(OBJECT_ART).data};
    struct hot_proof proof;
    bool is_name = parse_art(&request);
    if (!proof_at_home(request.api, exchange, &proof))
        return;
    struct picture *picture = arena_alloc(exchange_arena(exchange), sizeof *picture);
    if (!picture || !is_name || !hot_proof_opens_art(&proof)) {
        not_found(exchange);
        return;
    }
    *picture = (struct picture){context, exchange};
    art_send(&request, on_art, picture);
}

/* A picture that is made already. */
static void handle_art(struct exchange *exchange, void *context)
{
    struct art_request request = {.api = context,
                                  .exchange = exchange,
                                  .cache_control = object_cache_control(OBJECT_ART).data};
    struct open_file *lent = NULL;
    if (pieces_object_handle(context, exchange))
        return;
    const struct hot_proof *proof = proof_recall(context, exchange);
    if (proof && hot_proof_opens_art(proof) && parse_art(&request))
        lent = art_lend(&request, hot_files(hot_of(context, exchange)));
    if (!lent) {
        exchange_go_home(exchange, art_at_home, context);
        return;
    }
    proof_show(exchange, proof);
    art_send_lent(&request, lent);
}

void object_routes(struct api *api, struct server *server)
{
    bool follows = api_follows(api);
    const struct server_route routes[] = {
        {.methods = "GET",
         .path = "/m/",
         .class = SHIELD_CLASS_RUNNING,
         .handler = follows ? elsewhere_media : handle_media,
         .context = api,
         .is_shared = true,
         .runs_anywhere = true},
        {.methods = "GET",
         .path = "/art/",
         .class = SHIELD_CLASS_SIGNED_IN,
         .handler = follows ? elsewhere_art : handle_art,
         .context = api,
         .is_shared = true,
         .runs_anywhere = true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        server_route(server, &routes[i]);
}
