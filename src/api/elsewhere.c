// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/elsewhere.h"

#include "api/hots.h"
#include "api/inside.h"
#include "api/proof.h"
#include "catalog/catalog.h"
#include "io/server.h"

/* --- what is held --- */

/* Reads that need the catalogue and the listeners' state alone, in order of their bytes. */
static const struct text endpoints[] = {
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
    TEXT_INIT("getGenres"),
    TEXT_INIT("getIndexes"),
    TEXT_INIT("getInternetRadioStations"),
    TEXT_INIT("getLicense"),
    TEXT_INIT("getMusicDirectory"),
    TEXT_INIT("getMusicFolders"),
    TEXT_INIT("getNewestPodcasts"),
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
    TEXT_INIT("ping"),
    TEXT_INIT("search"),
    TEXT_INIT("search2"),
    TEXT_INIT("search3"),
    TEXT_INIT("tokenInfo"),
};

static bool is_held(struct text name)
{
    size_t low = 0, high = ARRAY_SIZE(endpoints);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(name, endpoints[middle]);
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
    bool has_name = exchange_parameter(exchange, TEXT("u")).size > 0;
    bool has_key = exchange_parameter(exchange, TEXT("apiKey")).size > 0;
    return is_held(name) && ((!has_name && (has_key || has_bearer(exchange))) ||
                             text_equal(name, TEXT("getOpenSubsonicExtensions")));
}

bool elsewhere_holds_player(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    if (request->method != HTTP_METHOD_GET)
        return false;
    return text_equal(request->path, TEXT("/api/v1/status")) ||
           (has_bearer(exchange) && (text_equal(request->path, TEXT("/api/v1/events")) ||
                                     text_equal(request->path, TEXT("/changes"))));
}

/* --- to the origin --- */

static void ask(struct exchange *exchange, void *context)
{
    const struct api *api = context;
    api->config.elsewhere.ask(exchange, api->config.elsewhere.context);
}

void elsewhere_go(struct api *api, struct exchange *exchange)
{
    exchange_go_back(exchange, ask, api);
}

/* --- objects --- */

typedef bool elsewhere_opens(struct api *api, const struct exchange *exchange,
                             const struct hot_proof *proof);

/* What is the same for all who may have it; playlists carry grants of their own. */
static bool is_for_all(struct text file)
{
    return text_starts(file, TEXT("original.")) || text_equal(file, TEXT("manifest")) ||
           text_ends(file, TEXT(".m4s")) || text_ends(file, TEXT("/init.mp4"));
}

static bool opens_media(struct api *api, const struct exchange *exchange,
                        const struct hot_proof *proof)
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
    return catalog_find(view, CATALOG_TRACK, &id) != (uint32_t)CATALOG_NONE;
}

static bool opens_art(struct api *api UNUSED, const struct exchange *exchange UNUSED,
                      const struct hot_proof *proof)
{
    return hot_proof_opens_art(proof);
}

/* With what this loop knows of the grant by now. */
static void serve(struct api *api, struct exchange *exchange, elsewhere_opens *opens)
{
    const struct hot_proof *proof = proof_recall(api, exchange);
    if (!proof || !opens(api, exchange, proof)) {
        ask(exchange, api);
        return;
    }
    proof_show(exchange, proof);
    api->config.elsewhere.fetch(exchange, exchange_request(exchange)->path, proof_grant(exchange),
                                api->config.elsewhere.context);
}

static void serve_media(struct exchange *exchange, void *api) { serve(api, exchange, opens_media); }

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
