// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * hls: who asked /rest/hls.m3u8 gets URLs with a grant for that one track, which ends with the
 * session, app or account that asked, and after twelve hours.
 *
 *     bitRate       answer
 *     none          the variants aac-64, aac-128, aac-256
 *     one           the segments of the best rendition that needs no more
 *     several       a variant for each
 *
 * A list of variants also says where else they are, as far as the grant is good there: at the
 * other nodes, when this one may sign for the listener everywhere (media/playlist.h).
 */
#include "api/hls.h"

#include "api/alternates.h"
#include "api/endpoints.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/nodes.h"
#include "api/proof.h"
#include "api/renditions.h"
#include "api/streams.h"
#include "base/mem.h"
#include "media/playlist.h"
#include "trust/grant.h"

#define HLS_TYPE "application/vnd.apple.mpegurl"
enum { LOSSLESS_KBPS = 700, RETRY_S = 2 };

struct hls_call {
    struct renditions_gathering gathering; /* first */
    struct call *call;                     /* /rest; NULL: beneath /m */
    struct exchange *exchange;
    struct buffer grant, before;
    bool wanted[RENDITION_COUNT];
    bool is_one;
    enum rendition one;
    uint32_t offset_ms;
    struct playlist_pathway pathways[PLAYLIST_PATHWAYS_MAX]; /* in the arena */
    size_t pathway_count;
};

static struct hls_call *hls_new(struct exchange *exchange, struct call *call)
{
    struct hls_call *hls = MEM_NEW(struct hls_call);
    hls->exchange = exchange;
    hls->call = call;
    buffer_init(&hls->grant, GRANT_TEXT_BYTES + 16);
    buffer_init(&hls->before, 128);
    return hls;
}

static void hls_free(struct hls_call *hls)
{
    renditions_release(&hls->gathering);
    buffer_release(&hls->grant);
    buffer_release(&hls->before);
    mem_free(hls);
}

static void send(struct hls_call *hls)
{
    struct exchange *exchange = hls->exchange;
    struct buffer *out = exchange_output(exchange);
    struct playlist_uris uris = {.before = buffer_view(&hls->before),
                                 .grant = buffer_view(&hls->grant),
                                 .start_ms = hls->offset_ms,
                                 .pathway_count = hls->pathway_count};
    memcpy(uris.pathways, hls->pathways, sizeof uris.pathways);
    buffer_reset(out); /* the envelope of /rest */
    if (hls->is_one)
        playlist_write_segments(&hls->gathering.manifest, hls->one, &uris, out);
    else
        playlist_write_variants(&hls->gathering.manifest, hls->wanted, &uris, out);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_keep_identity(exchange); /* grants within: what is packed tells of them */
    exchange_send_output(exchange, 200, HLS_TYPE);
}

static enum call_end end_without(const struct hls_call *hls)
{
    if (hls->gathering.is_unknown)
        return call_fail_busy(hls->call, RETRY_S, "Nobody who knows this song's forms answers.");
    return call_fail(hls->call, API_ERROR_GENERIC, "This song cannot be converted.");
}

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    if (status == 503)
        exchange_field(exchange, "Retry-After", TEXT("2"));
    exchange_send_problem(exchange, status, title, detail);
}

static void on_gathered(struct renditions_gathering *gathering)
{
    struct hls_call *hls = (struct hls_call *)gathering;
    bool is_there = !gathering->is_unknown &&
                    (!hls->is_one || (gathering->manifest.is_offered[hls->one] &&
                                      gathering->manifest.views[hls->one].state != PACKAGE_FAILED));
    if (hls->call)
        call_finish(hls->call, is_there ? CALL_SENT : end_without(hls));
    if (is_there)
        send(hls);
    else if (!hls->call && gathering->is_unknown)
        refuse(hls->exchange, 503, "Not now", "Nobody who knows this song's forms answers.");
    else if (!hls->call)
        exchange_send_problem(hls->exchange, 404, "Cannot be converted",
                              "This song cannot be had in this form.");
    hls_free(hls);
}

/* --- /rest/hls.m3u8 --- */

/* "128", or "1000@480x360" of clients that think of films. */
static bool parse_kbps(struct text value, uint64_t *ret)
{
    struct text rest = value, digits;
    return text_split(&rest, '@', &digits) && text_to_u64(digits, ret);
}

static enum rendition best_within(uint64_t kbps, const struct rendition_source *source)
{
    if (kbps >= LOSSLESS_KBPS && rendition_is_offered(RENDITION_FLAC, source))
        return RENDITION_FLAC;
    return kbps >= 256 ? RENDITION_AAC_256 : kbps >= 128 ? RENDITION_AAC_128 : RENDITION_AAC_64;
}

static void choose(struct hls_call *hls, const struct track_row *row)
{
    const struct rendition_source source = {row->sampling_rate_hz, row->channels, row->bit_depth,
                                            row->duration_ms};
    size_t cursor = 0, count = 0;
    struct text value;
    uint64_t kbps;
    while (parameter_next(hls->call->parameters, "bitRate", &cursor, &value)) {
        if (!parse_kbps(value, &kbps) || !kbps)
            continue;
        hls->one = best_within(kbps, &source);
        hls->wanted[hls->one] = true;
        count++;
    }
    hls->is_one = count == 1;
    if (!count)
        hls->wanted[RENDITION_AAC_64] = hls->wanted[RENDITION_AAC_128] =
            hls->wanted[RENDITION_AAC_256] = true;
}

static void add_pathway(struct hls_call *hls, struct uid id, struct text before)
{
    struct uid_text storage;
    struct arena *arena = exchange_arena(hls->exchange);
    struct playlist_pathway pathway = {arena_text(arena, uid_text(&storage, id)),
                                       arena_text(arena, before)};
    if (pathway.id.data && pathway.before.data)
        hls->pathways[hls->pathway_count++] = pathway;
}

/* What an edge signs for a listener of another's is good here alone (docs/formats/tokens.md). */
static void find_pathways(struct hls_call *hls, struct text track)
{
    const struct call *call = hls->call;
    const struct api *api = call->api;
    bool is_edge = api_follows(api);
    struct alternates_wish wish = {.own = is_edge ? api->node_id
                                                  : state_health(api->config.state).device,
                                   .is_secure = exchange_peer(hls->exchange)->is_secure,
                                   .without_origins = !island_is_linked(api)};
    struct alternate others[ALTERNATES_MAX];
    memcpy(&wish.seed, call->proven_by.bytes, sizeof wish.seed);
    size_t count = island_is_home(api, call->account->id)
                       ? alternates_choose(nodes_list(api->nodes), &wish, others)
                       : 0;
    if (count)
        add_pathway(hls, wish.own, track);
    for (size_t i = 0; i < count; i++)
        add_pathway(hls, others[i].id,
                    arena_printf(exchange_arena(hls->exchange), "%.*s/m/%.*s/",
                                 TEXT_ARGS(others[i].origin), TEXT_ARGS(track)));
}

static bool sign_grant(struct hls_call *hls, const struct track_row *row)
{
    const struct call *call = hls->call;
    int64_t now_s = exchange_now_ms(call->exchange) / 1000;
    struct grant grant = {.session = call->proven_by,
                          .libraries = call->account->libraries,
                          .expires_s = now_s + GRANT_LIFE_S};
    memcpy(grant.track, row->id.bytes, sizeof grant.track);
    grant_sign(call->api->ring, &grant, now_s, &hls->grant);
    return hls->grant.size > 0;
}

/* Takes over `hls`. */
static enum call_end gather(struct hls_call *hls, const struct track_row *row)
{
    struct call *call = hls->call;
    struct catalog_id_text storage;
    struct text id = catalog_id_print(&storage, CATALOG_TRACK, &row->id);
    buffer_printf(&hls->before, "../m/%.*s/", TEXT_ARGS(id));
    if (!hls->is_one)
        find_pathways(hls, id);
    bool is_signed = sign_grant(hls, row);
    if (is_signed && renditions_gather(&hls->gathering, call->api, row, on_gathered))
        return CALL_LATER; /* or already answered */
    hls_free(hls);
    if (!is_signed && api_follows(call->api))
        return CALL_ELSEWHERE; /* who can sign grants can write the playlist */
    return call_fail_busy(call, RETRY_S, "Too much is being read just now.");
}

enum call_end rest_hls(struct call *call)
{
    uint32_t track;
    struct track_row row;
    if (!call_find(call, "id", CATALOG_TRACK, &track))
        return call_fail_not_found(call);
    if (!call->api->config.packager && !api_follows(call->api))
        return call_fail(call, API_ERROR_GENERIC, "This server converts nothing.");
    catalog_track(call->catalog, track, &row);
    struct hls_call *hls = hls_new(call->exchange, call);
    choose(hls, &row);
    return gather(hls, &row);
}

enum call_end stream_hls(struct call *call, const struct track_row *row, enum rendition rendition,
                         uint32_t offset_ms)
{
    if (!call->api->config.packager && !api_follows(call->api))
        return call_fail(call, API_ERROR_GENERIC, "This server converts nothing.");
    struct hls_call *hls = hls_new(call->exchange, call);
    hls->is_one = true;
    hls->one = rendition;
    hls->offset_ms = offset_ms;
    return gather(hls, row);
}

/* --- /m/{track}/{rendition}/playlist.m3u8 --- */

static bool parse(const struct exchange *exchange, struct catalog_id *ret_track,
                  enum rendition *ret_rendition)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1);
    struct text track, rendition;
    enum catalog_kind kind;
    return text_split(&rest, '/', &track) && text_split(&rest, '/', &rendition) &&
           text_equal(rest, TEXT("playlist.m3u8")) && catalog_id_parse(track, &kind, ret_track) &&
           kind == CATALOG_TRACK && rendition_from(rendition, ret_rendition);
}

static void start(struct api *api, struct exchange *exchange, const struct track_row *row,
                  enum rendition rendition, const struct hot_proof *proof)
{
    struct hls_call *hls = hls_new(exchange, NULL);
    hls->is_one = true;
    hls->one = rendition;
    buffer_text(&hls->before, TEXT("../"));
    buffer_append(&hls->grant, proof->grant, GRANT_TEXT_BYTES);
    if (renditions_gather(&hls->gathering, api, row, on_gathered))
        return;
    hls_free(hls);
    refuse(exchange, 503, "Not now", "Too much is being read just now.");
}

static void playlist_at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct catalog_id id;
    enum rendition rendition;
    struct hot_proof proof;
    struct track_row row;
    bool is_name = parse(exchange, &id, &rendition);
    if (!proof_at_home(api, exchange, &proof))
        return;
    struct catalog *catalog = library_catalog(api->config.library);
    if (is_name && renditions_find_row(catalog, &proof, &id, &row))
        start(api, exchange, &row, rendition, &proof);
    else
        refuse(exchange, 404, "Not found",
               "There is nothing of this name, or not for this listener.");
    catalog_unref(&catalog);
}

bool hls_handle(struct api *api, struct exchange *exchange)
{
    struct catalog_id id;
    enum rendition rendition;
    if ((!api->config.packager && !api_follows(api)) || !parse(exchange, &id, &rendition))
        return false;
    exchange_go_home(exchange, playlist_at_home, api);
    return true;
}
