// SPDX-License-Identifier: GPL-3.0-or-later
/* cover: getCoverArt, by the picture's own id or by that of anything that has one. */
#include "api/art.h"
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/held.h"
#include "api/inside.h"
#include "api/kept.h"

#include <unistd.h>

/* A playlist shows the first picture in it. */
static struct catalog_id playlist_picture(const struct call *call, struct subject subject)
{
    const struct playlist *playlist =
        state_playlist(call->api->config.state, call->account_id, subject.uid);
    for (size_t i = 0; playlist && i < playlist->entry_count; i++) {
        uint32_t track;
        if (!entity_find(call, playlist->entries[i]->track, CATALOG_TRACK, &track))
            continue;
        struct catalog_id picture = catalog_artwork(call->view, CATALOG_TRACK, track);
        if (!catalog_id_is_none(&picture))
            return picture;
    }
    return (struct catalog_id){{0}};
}

static struct catalog_id find_picture(const struct call *call, struct text id)
{
    enum catalog_kind kind;
    struct catalog_id found;
    struct subject subject;
    uint32_t number;
    if (subject_from_text(id, &subject) && subject_is(subject, "pl"))
        return playlist_picture(call, subject);
    if (!catalog_id_parse(id, &kind, &found))
        return (struct catalog_id){{0}};
    if (kind == CATALOG_ARTWORK)
        return found;
    return call_find_text(call, id, kind, &number) ? catalog_artwork(call->view, kind, number)
                                                   : (struct catalog_id){{0}};
}

static void on_art(void *context, enum art_outcome outcome)
{
    struct call *call = context;
    if (outcome == ART_NONE)
        call_finish(call, call_fail(call, API_ERROR_NOT_FOUND, "There is no picture of this."));
    else if (outcome == ART_BUSY)
        call_finish(call, call_fail_busy(call, 1, "Too many pictures are being made just now."));
}

/* Not made here yet, and held since this node was an edge: its file may be away. */
static bool is_kept(struct call *call, const struct art_request *request)
{
    struct library_art art;
    if (!api_keeps(call->api))
        return false;
    if (library_open_artwork_cached(call->api->config.library, request->picture.bytes,
                                    request->size_px, request->format, &art))
        return held_has_picture(call, request);
    (void)close(art.fd);
    return false;
}

enum call_end rest_getCoverArt(struct call *call)
{
    struct text id = call_text(call, "id");
    struct catalog_id picture = find_picture(call, id);
    if (catalog_id_is_none(&picture))
        return call_fail(call, API_ERROR_NOT_FOUND, "There is no picture of this.");
    uint64_t size = call_number(call, "size", 0);
    bool takes_webp = text_contains(
        http_request_field(exchange_request(call->exchange), TEXT("Accept")), TEXT("image/webp"));
    struct art_request request = {
        .api = call->api,
        .exchange = call->exchange,
        .picture = picture,
        .size_px = size < ART_LARGEST_PX ? (uint32_t)size : ART_LARGEST_PX,
        .format = takes_webp ? LIBRARY_ART_WEBP : LIBRARY_ART_JPEG,
        /* an art- id names the bytes themselves; others may get another picture tomorrow */
        .cache_control = text_starts(id, TEXT("art-")) ? "private, max-age=31536000, immutable"
                                                       : "private, max-age=3600",
    };
    if (api_follows(call->api) || is_kept(call, &request))
        return held_picture(call, &request);
    exchange_field(call->exchange, "Vary", TEXT("Accept"));
    call_finish(call, CALL_SENT); /* when it is sent there is no call any more */
    art_send(&request, on_art, call);
    return CALL_LATER;
}
