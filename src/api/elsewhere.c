// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/elsewhere.h"

#include "api/held.h"
#include "api/hls.h"
#include "api/hots.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/object_classes.h"
#include "api/proof.h"
#include "catalog/catalog.h"
#include "io/server.h"

/* --- what is held --- */

/* What needs the catalogue, the listeners' state and what is kept of /m and /art: reads, and what
 * listeners do, which is journalled here and forwarded.  In order of their bytes. */
static const struct text held[] = {
    TEXT_INIT("createBookmark"),
    TEXT_INIT("createPlaylist"),
    TEXT_INIT("deleteBookmark"),
    TEXT_INIT("deletePlaylist"),
    TEXT_INIT("download"),
    TEXT_INIT("getAlbum"),
    TEXT_INIT("getAlbumInfo"),
    TEXT_INIT("getAlbumInfo2"),
    TEXT_INIT("getAlbumList"),
    TEXT_INIT("getAlbumList2"),
    TEXT_INIT("getArtist"),
    TEXT_INIT("getArtistInfo"),
    TEXT_INIT("getArtistInfo2"),
    TEXT_INIT("getArtists"),
    TEXT_INIT("getBookmarks"),
    TEXT_INIT("getCoverArt"),
    TEXT_INIT("getGenres"),
    TEXT_INIT("getIndexes"),
    TEXT_INIT("getInternetRadioStations"),
    TEXT_INIT("getLicense"),
    TEXT_INIT("getLyrics"),
    TEXT_INIT("getLyricsBySongId"),
    TEXT_INIT("getMusicDirectory"),
    TEXT_INIT("getMusicFolders"),
    TEXT_INIT("getNewestPodcasts"),
    TEXT_INIT("getNowPlaying"),
    TEXT_INIT("getOpenSubsonicExtensions"),
    TEXT_INIT("getPlayQueue"),
    TEXT_INIT("getPlayQueueByIndex"),
    TEXT_INIT("getPlaylist"),
    TEXT_INIT("getPlaylists"),
    TEXT_INIT("getPodcasts"),
    TEXT_INIT("getRandomSongs"),
    TEXT_INIT("getScanStatus"),
    TEXT_INIT("getShares"),
    TEXT_INIT("getSimilarSongs"),
    TEXT_INIT("getSimilarSongs2"),
    TEXT_INIT("getSong"),
    TEXT_INIT("getSongsByGenre"),
    TEXT_INIT("getStarred"),
    TEXT_INIT("getStarred2"),
    TEXT_INIT("getTopSongs"),
    TEXT_INIT("getUser"),
    TEXT_INIT("getVideos"),
    TEXT_INIT("hls"),
    TEXT_INIT("ping"),
    TEXT_INIT("savePlayQueue"),
    TEXT_INIT("savePlayQueueByIndex"),
    TEXT_INIT("scrobble"),
    TEXT_INIT("search"),
    TEXT_INIT("search2"),
    TEXT_INIT("search3"),
    TEXT_INIT("setRating"),
    TEXT_INIT("star"),
    TEXT_INIT("stream"),
    TEXT_INIT("tokenInfo"),
    TEXT_INIT("unstar"),
    TEXT_INIT("updatePlaylist"),
};

static bool is_held(struct text name)
{
    size_t low = 0, high = ARRAY_SIZE(held);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(name, held[middle]);
        if (!order)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool has_bearer(const struct exchange *exchange)
{
    return text_starts_nocase(http_request_field(exchange_request(exchange), TEXT("Authorization")),
                              TEXT("Bearer "));
}

bool elsewhere_holds_rest(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    struct text name = text_from(request->path, sizeof("/rest/") - 1);
    if (request->method == HTTP_METHOD_OPTIONS)
        return true; /* what any page may know */
    if (text_ends(name, TEXT(".view")))
        name.size -= sizeof(".view") - 1;
    if (text_equal(name, TEXT("hls.m3u8"))) /* the one with a suffix */
        name.size -= sizeof(".m3u8") - 1;
    return is_held(name);
}

/* Sign-in, renewal, and what a listener sees and ends of it. */
static bool is_of_sessions(const struct http_request *request)
{
    bool ends = request->method == HTTP_METHOD_DELETE;
    bool is_shown = request->method == HTTP_METHOD_GET || ends;
    return text_equal(request->path, TEXT("/api/v1/session")) ||
           text_starts(request->path, TEXT("/api/v1/session/")) ||
           (is_shown && text_equal(request->path, TEXT("/api/v1/sessions"))) ||
           (is_shown && text_equal(request->path, TEXT("/api/v1/apps"))) ||
           (is_shown && text_equal(request->path, TEXT("/api/v1/passkeys"))) ||
           (ends && text_starts(request->path, TEXT("/api/v1/sessions/"))) ||
           (ends && text_starts(request->path, TEXT("/api/v1/apps/"))) ||
           (ends && text_starts(request->path, TEXT("/api/v1/passkeys/")));
}

/* What ends something holds at once, here, with or without the origin. */
static bool is_revocation(struct text path)
{
    return text_starts(path, TEXT("/api/v1/sessions/")) || text_starts(path, TEXT("/api/v1/apps/"));
}

bool elsewhere_yields(const struct api *api, const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    return api_follows(api) && is_of_sessions(request) && !is_revocation(request->path) &&
           !text_equal(request->path, TEXT("/api/v1/session/refresh")) && island_is_linked(api);
}

bool elsewhere_holds_player(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    if (request->method == HTTP_METHOD_POST && text_equal(request->path, TEXT("/ops")))
        return has_bearer(exchange);
    if (is_of_sessions(request))
        return true;
    if (request->method != HTTP_METHOD_GET)
        return false;
    return text_equal(request->path, TEXT("/api/v1/status")) ||
           (has_bearer(exchange) && (text_equal(request->path, TEXT("/api/v1/requests")) ||
                                     text_equal(request->path, TEXT("/api/v1/events")) ||
                                     text_equal(request->path, TEXT("/changes"))));
}

bool elsewhere_asks(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    bool is_post = request->method == HTTP_METHOD_POST;
    return has_bearer(exchange) &&
           (text_equal(request->path, TEXT("/api/v1/users")) ||
            text_starts(request->path, TEXT("/api/v1/users/")) ||
            text_equal(request->path, TEXT("/api/v1/me/password")) ||
            (is_post && (text_equal(request->path, TEXT("/api/v1/apps")) ||
                         text_starts(request->path, TEXT("/api/v1/passkeys")))));
}

/* --- to the origin --- */

static void ask(struct exchange *exchange, void *context)
{
    const struct api *api = context;
    exchange_forget_fields(exchange);
    api->config.elsewhere.ask(exchange, NULL, NULL, api->config.elsewhere.context);
}

void elsewhere_go(struct api *api, struct exchange *exchange)
{
    exchange_go_back(exchange, ask, api);
}

struct going {
    struct api *api;
    elsewhere_alone *alone;
};

static void come_home(struct exchange *exchange, void *context)
{
    const struct going *going = context;
    exchange_forget_fields(exchange);
    exchange_go_home(exchange, going->alone, going->api);
}

static void ask_or(struct exchange *exchange, void *context)
{
    struct going *going = context;
    const struct api_elsewhere *elsewhere = &going->api->config.elsewhere;
    exchange_forget_fields(exchange);
    elsewhere->ask(exchange, come_home, going, elsewhere->context);
}

void elsewhere_go_or(struct api *api, struct exchange *exchange, elsewhere_alone *alone)
{
    struct going *going = arena_alloc(exchange_arena(exchange), sizeof *going);
    if (!going) {
        elsewhere_go(api, exchange);
        return;
    }
    *going = (struct going){api, alone};
    exchange_go_back(exchange, ask_or, going);
}

/* --- objects --- */

/* Whether the proof opens it here; then *ret has its name, which may be another one. */
typedef bool elsewhere_opens(struct api *api, struct exchange *exchange,
                             const struct hot_proof *proof, struct api_object *ret);

/* What is the same for all who may have it; playlists carry grants of their own. */
static bool is_for_all(struct text file)
{
    return text_starts(file, TEXT("original")) || text_equal(file, TEXT("manifest")) ||
           text_equal(file, TEXT("lyrics")) || text_ends(file, TEXT(".m4s")) ||
           text_ends(file, TEXT("/init.mp4"));
}

/* A song as it is now is the version that the catalogue here knows. */
static void name_version(struct exchange *exchange, const struct catalog *catalog, uint32_t track,
                         struct api_object *ret)
{
    struct track_row row;
    catalog_track(catalog, track, &row);
    ret->target = held_original_name(exchange_arena(exchange), &row);
    ret->each =
        (struct http_field){TEXT("Cache-Control"), object_cache_control(OBJECT_ORIGINAL_NOW)};
}

bool elsewhere_opens_media(struct api *api, struct exchange *exchange,
                           const struct hot_proof *proof, struct api_object *ret)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1), word;
    struct catalog_id id;
    enum catalog_kind kind;
    if (!text_split(&rest, '/', &word) || !is_for_all(rest) ||
        !catalog_id_parse(word, &kind, &id) || kind != CATALOG_TRACK ||
        !hot_proof_opens(proof, id.bytes))
        return false;
    struct catalog_view view = {hot_catalog(api->hots[exchange_connection_index(exchange)]),
                                (uint32_t)proof->libraries};
    uint32_t track = catalog_find(view, CATALOG_TRACK, &id);
    if (track != (uint32_t)CATALOG_NONE && text_equal(rest, TEXT("original")))
        name_version(exchange, view.catalog, track, ret);
    return track != (uint32_t)CATALOG_NONE;
}

static bool opens_art(struct api *api UNUSED, struct exchange *exchange UNUSED,
                      const struct hot_proof *proof, struct api_object *ret UNUSED)
{
    return hot_proof_opens_art(proof);
}

/* With what this loop knows of the grant by now. */
static void serve(struct api *api, struct exchange *exchange, elsewhere_opens *opens)
{
    const struct hot_proof *proof = proof_recall(api, exchange);
    struct api_object object = {.target = exchange_request(exchange)->path,
                                .grant = proof_grant(exchange)};
    if (!proof || !opens(api, exchange, proof, &object)) {
        ask(exchange, api);
        return;
    }
    proof_show(exchange, proof);
    api->config.elsewhere.fetch(exchange, &object, api->config.elsewhere.objects);
}

/* Written here, with the grant that was asked with: no cache could hold it. */
static bool is_playlist(const struct exchange *exchange)
{
    return text_ends(exchange_request(exchange)->path, TEXT("/playlist.m3u8"));
}

static void serve_media(struct exchange *exchange, void *context)
{
    struct api *api = context;
    if (!is_playlist(exchange) || !proof_recall(api, exchange) || !hls_handle(api, exchange))
        serve(api, exchange, elsewhere_opens_media);
}

static void serve_art(struct exchange *exchange, void *api) { serve(api, exchange, opens_art); }

/* What is found out is on its way to the connection's loop before the exchange is. */
static void prove_media(struct exchange *exchange, void *api)
{
    struct hot_proof proof;
    (void)!proof_look(api, exchange, &proof);
    exchange_go_back(exchange, serve_media, api);
}

static void prove_art(struct exchange *exchange, void *api)
{
    struct hot_proof proof;
    (void)!proof_look(api, exchange, &proof);
    exchange_go_back(exchange, serve_art, api);
}

void elsewhere_media(struct exchange *exchange, void *context)
{
    if (proof_recall(context, exchange))
        serve_media(exchange, context);
    else
        exchange_go_home(exchange, prove_media, context);
}

void elsewhere_art(struct exchange *exchange, void *context)
{
    if (proof_recall(context, exchange))
        serve_art(exchange, context);
    else
        exchange_go_home(exchange, prove_art, context);
}
