// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_place.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "library/library.h"
#include "programs/edge_launch.h"
#include "state/state.h"
#include "trust/node_list.h"

#include <string.h>

enum { MOST_STARS = 1000, MOST_FREQUENT = 200, PAGE = 256, MOST_DONE = 1 << 20, MOST_LOOKED = 500 };
static const uint64_t recheck_us = UINT64_C(6) * 3600 * 1000000; /* the cache may have lost it */

/* One round's songs, by their numbers in one snapshot. */
struct round {
    struct catalog *catalog; /* NULL: none is under way */
    uint32_t *tracks;        /* whole ones, in order */
    size_t count, at, launched;
    uint8_t *seen;         /* a bit each */
    size_t gather, cursor; /* which of them, and of its listeners */
    size_t offset;         /* of the beginnings: in the catalogue */
    uint32_t page[PAGE];
    size_t page_count, page_at;
};

struct edge_place {
    struct edge_place_config config;
    struct library_subscriber subscriber;
    struct place *place;
    struct edge_launch *launch;
    struct round round;
    size_t whole_wanted, whole_placed; /* of the last round that began */
    /* What was placed lately is not looked at in each round: by id, to how_whole or how_begun. */
    struct map *done;
    uint64_t done_since_us;
    uint32_t renditions; /* those that it was placed in */
};
static char how_whole, how_begun;

/* --- gathering --- */

static void round_end(struct round *round)
{
    catalog_unref(&round->catalog);
    mem_free(round->tracks);
    mem_free(round->seen);
    *round = (struct round){0};
}

static struct catalog_view view_of(const struct round *round)
{
    return (struct catalog_view){round->catalog, UINT32_MAX};
}

static bool see(struct round *round, uint32_t track)
{
    uint8_t bit = (uint8_t)(1u << track % 8);
    bool is_new = !(round->seen[track / 8] & bit);
    round->seen[track / 8] |= bit;
    return is_new;
}

static void add(struct edge_place *place, uint32_t track)
{
    struct round *round = &place->round;
    if (round->count < place->config.max_tracks && see(round, track))
        round->tracks[round->count++] = track;
}

static void add_id(struct edge_place *place, const uint8_t id[16])
{
    struct catalog_id track;
    memcpy(track.bytes, id, sizeof track.bytes);
    uint32_t number = catalog_find(view_of(&place->round), CATALOG_TRACK, &track);
    if (number != (uint32_t)CATALOG_NONE)
        add(place, number);
}

static void add_subject(struct edge_place *place, struct subject subject)
{
    struct round *round = &place->round;
    struct catalog_id album;
    uint32_t tracks[PAGE];
    if (subject_is(subject, "tr"))
        add_id(place, subject.uid.bytes);
    if (!subject_is(subject, "al"))
        return;
    memcpy(album.bytes, subject.uid.bytes, sizeof album.bytes);
    uint32_t number = catalog_find(view_of(round), CATALOG_ALBUM, &album);
    size_t count = number == (uint32_t)CATALOG_NONE
                       ? 0
                       : catalog_album_tracks(view_of(round), number, 0, tracks, PAGE);
    for (size_t i = 0; i < count; i++)
        add(place, tracks[i]);
}

typedef void gather(struct edge_place *place, const struct account *account,
                    const struct listener *listener);

/* From where it stands on, then what was before. */
static void add_queue(struct edge_place *place, const struct account *account UNUSED,
                      const struct listener *listener)
{
    const struct play_queue *queue = listener_queue(listener);
    for (size_t i = 0; queue && i < queue->count; i++)
        add_subject(place, queue->tracks[(queue->current + i) % queue->count]);
}

static void add_playlists(struct edge_place *place, const struct account *account,
                          const struct listener *listener UNUSED)
{
    const struct playlist *playlist;
    size_t cursor = 0;
    while ((playlist = state_playlist_next(place->config.state, account->id, &cursor)))
        for (size_t i = 0; i < playlist->entry_count; i++)
            add_subject(place, playlist->entries[i]->track);
}

static void add_ranked(struct edge_place *place, const struct listener *listener,
                       enum listener_ranking ranking, const char *kind, size_t most)
{
    size_t count = listener_ranked_count(listener, ranking, kind);
    for (size_t i = 0; i < count && i < most; i++)
        add_subject(place, listener_ranked(listener, ranking, kind, i));
}

static void add_stars(struct edge_place *place, const struct account *account UNUSED,
                      const struct listener *listener)
{
    add_ranked(place, listener, RANKING_STARRED, "tr", MOST_STARS);
    add_ranked(place, listener, RANKING_STARRED, "al", MOST_STARS);
}

static void add_frequent(struct edge_place *place, const struct account *account UNUSED,
                         const struct listener *listener)
{
    add_ranked(place, listener, RANKING_RECENT, "tr", MOST_FREQUENT);
    add_ranked(place, listener, RANKING_FREQUENT, "tr", MOST_FREQUENT);
}

static bool is_ours(const struct edge_place *place, const struct account *account)
{
    const struct node_list *nodes = place->config.nodes(place->config.context);
    if (account->is_disabled || uid_is_none(place->config.own_id) || !nodes)
        return !account->is_disabled;
    const struct homes homes = node_list_homes(nodes, account->id);
    return homes_has(&homes, place->config.own_id);
}

/* In order of promise; each is of all listeners before the next begins. */
static gather *const gathers[] = {add_queue, add_playlists, add_stars, add_frequent};

/* One listener more; false: they all were looked at. */
static bool gather_next(struct edge_place *place)
{
    struct round *round = &place->round;
    struct state *state = place->config.state;
    if (round->gather == ARRAY_SIZE(gathers))
        return false;
    const struct account *account = state_account_next(state, &round->cursor);
    const struct listener *listener = account ? state_listener(state, account->id) : NULL;
    if (!account) {
        round->gather++;
        round->cursor = 0;
    } else if (listener && is_ours(place, account)) {
        gathers[round->gather](place, account, listener);
    }
    place->whole_wanted = round->count;
    return true;
}

static void forget_old(struct edge_place *place)
{
    uint64_t now_us = loop_now_us(place->config.loop);
    uint32_t renditions = place_renditions(place->place);
    bool has_all = (renditions & ~place->renditions) == 0;
    place->renditions = renditions;
    if (place->done && has_all && now_us - place->done_since_us < recheck_us)
        return;
    map_free(&place->done);
    place->done = map_new(random_u64(), MOST_DONE);
    place->done_since_us = now_us;
}

static bool begin(struct edge_place *place)
{
    struct round *round = &place->round;
    forget_old(place);
    round->catalog = library_catalog(place->config.library);
    uint32_t total = catalog_count(view_of(round), CATALOG_TRACK);
    if (total == 0) {
        round_end(round);
        return false;
    }
    uint32_t most = place->config.max_tracks < total ? place->config.max_tracks : total;
    round->tracks = mem_alloc((most + 1) * sizeof *round->tracks);
    round->seen = mem_zalloc(total / 8 + 1);
    for (size_t i = 0; i < edge_launch_count(place->launch); i++)
        add_id(place, edge_launch_track(place->launch, i));
    round->launched = place->whole_wanted = round->count;
    place->whole_placed = 0;
    return true;
}

/* --- the source --- */

static void wish_for(const struct round *round, uint32_t track, struct place_wish *ret)
{
    struct track_row row;
    struct catalog_id_text id;
    catalog_track(round->catalog, track, &row);
    (void)snprintf(ret->track, sizeof ret->track, "%.*s",
                   TEXT_ARGS(catalog_id_print(&id, CATALOG_TRACK, &row.id)));
}

static bool next_beginning(struct round *round, struct place_wish *ret)
{
    for (;;) {
        if (round->page_at == round->page_count) {
            round->page_count =
                catalog_all(view_of(round), CATALOG_TRACK, round->offset, round->page, PAGE);
            round->offset += round->page_count;
            round->page_at = 0;
        }
        if (round->page_count == 0)
            return false;
        uint32_t track = round->page[round->page_at++];
        if (!see(round, track))
            continue;
        *ret = (struct place_wish){0};
        wish_for(round, track, ret);
        return true;
    }
}

static bool is_done(const struct edge_place *place, const struct place_wish *wish)
{
    const void *how = map_get(place->done, text_of(wish->track));
    return !wish->is_urgent && how && (how == &how_whole || !wish->is_whole);
}

static enum place_next next_of_round(struct edge_place *place, struct place_wish *ret)
{
    struct round *round = &place->round;
    if (round->at < round->count) {
        *ret = (struct place_wish){.is_whole = true, .is_urgent = round->at < round->launched};
        wish_for(round, round->tracks[round->at++], ret);
        return PLACE_NEXT;
    }
    if (gather_next(place))
        return PLACE_LATER;
    if (next_beginning(round, ret))
        return PLACE_NEXT;
    round_end(round);
    return PLACE_OVER;
}

static enum place_next next(void *context, struct place_wish *ret)
{
    struct edge_place *place = context;
    if (!place->round.catalog && !begin(place))
        return PLACE_OVER;
    for (size_t looked = 0; looked < MOST_LOOKED; looked++) {
        enum place_next what = next_of_round(place, ret);
        if (what == PLACE_OVER || (what == PLACE_NEXT && !is_done(place, ret)))
            return what;
        if (what == PLACE_NEXT)
            place->whole_placed += ret->is_whole;
    }
    return PLACE_LATER;
}

static void placed(void *context, const struct place_wish *wish, bool is_placed)
{
    struct edge_place *place = context;
    if (is_placed)
        (void)!map_put(place->done, text_of(wish->track),
                       wish->is_whole ? &how_whole : &how_begun); /* full: looked at again */
    if (wish->is_whole)
        place->whole_placed += is_placed;
    if (wish->is_urgent)
        edge_launch_placed(place->launch, text_of(wish->track), is_placed);
}

static void progress(void *context, const struct place_wish *wish, uint64_t bytes,
                     uint64_t of_bytes)
{
    struct edge_place *place = context;
    if (wish->is_urgent)
        edge_launch_progress(place->launch, text_of(wish->track), bytes, of_bytes);
}

/* --- life --- */

static void again(void *context)
{
    struct edge_place *place = context;
    round_end(&place->round);
    place_again(place->place);
}

/* A round that is under way ends as it began. */
static void on_library(struct library_subscriber *subscriber, bool is_new_catalog)
{
    struct edge_place *place = CONTAINER_OF(subscriber, struct edge_place, subscriber);
    if (is_new_catalog && !place->round.catalog)
        again(place);
}

struct edge_place *edge_place_new(const struct edge_place_config *config)
{
    struct edge_place *place = MEM_NEW(struct edge_place);
    const struct place_source source = {next, placed, progress, place};
    place->config = *config;
    place->place = place_new(config->edge, config->loop, &config->place, &source);
    place->launch = edge_launch_new(config->edge, config->loop, again, place);
    place->subscriber.on_change = on_library;
    library_subscribe(config->library, &place->subscriber);
    place_again(place->place); /* of what the disk had */
    return place;
}

void edge_place_free(struct edge_place **place)
{
    if (!*place)
        return;
    library_unsubscribe((*place)->config.library, &(*place)->subscriber);
    edge_launch_free(&(*place)->launch);
    place_free(&(*place)->place);
    round_end(&(*place)->round);
    map_free(&(*place)->done);
    mem_free_p(place);
}

static void write_renditions(uint32_t renditions, struct json *json)
{
    json_name(json, "renditions");
    json_begin_array(json);
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (renditions >> i & 1)
            json_text(json, text_of(rendition_word((enum rendition)i)));
    json_end_array(json);
}

void edge_place_write(const struct edge_place *place, struct json *json)
{
    struct place_status status;
    place_look(place->place, &status);
    json_name(json, "placing");
    json_begin_object(json);
    json_member_text(json, "state", text_of(place_pause_word(status.pause)));
    write_renditions(place_renditions(place->place), json);
    json_member_u64(json, "round", status.rounds);
    json_member_u64(json, "wanted", place->whole_wanted);
    json_member_u64(json, "placed", place->whole_placed);
    json_member_u64(json, "seen", status.tracks);
    json_member_u64(json, "failed", status.failed);
    json_member_u64(json, "heldBytes", status.held_bytes);
    json_member_u64(json, "broughtBytes", status.brought_bytes);
    edge_launch_write(place->launch, json);
    json_end_object(json);
}
