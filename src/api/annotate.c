// SPDX-License-Identifier: GPL-3.0-or-later
/* annotate: stars, ratings, plays, and what is playing now. */
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/inside.h"

enum { MOST_ARTISTS = 32 };

/* --- stars --- */

/* `id` may name a song, an album or an artist; a folder has no star of its own. */
static bool find_subject(const struct call *call, struct text id, struct subject *ret)
{
    static const enum catalog_kind kinds[] = {CATALOG_TRACK, CATALOG_ALBUM, CATALOG_ARTIST};
    enum catalog_kind kind;
    struct catalog_id found;
    uint32_t number;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!call_find_text(call, id, kinds[i], &number) || !catalog_id_parse(id, &kind, &found))
            continue;
        *ret = subject_of(kind, &found);
        return true;
    }
    return false;
}

/* What is gone from the library can still lose its star. */
static bool parse_subject(struct text id, struct subject *ret)
{
    return subject_from_text(id, ret) &&
           (subject_is(*ret, "tr") || subject_is(*ret, "al") || subject_is(*ret, "ar"));
}

/* CALL_FAILED at the first id that is not there: nothing is starred by half. */
static enum call_end add_stars(struct call *call, struct batch *batch, bool is_starred,
                               size_t *count)
{
    static const char *const names[] = {"id", "albumId", "artistId"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t cursor = 0;
        struct text id;
        while (parameter_next(call->parameters, names[i], &cursor, &id)) {
            struct subject subject;
            if (++*count > BATCH_MAX_OPERATIONS)
                return call_fail(call, API_ERROR_GENERIC, "At most 1000 ids at once.");
            if (!find_subject(call, id, &subject) && (is_starred || !parse_subject(id, &subject)))
                return call_fail_not_found(call);
            batch_star(batch, subject, is_starred);
        }
    }
    return CALL_OK;
}

static enum call_end set_stars(struct call *call, bool is_starred)
{
    struct batch *batch = call_batch(call);
    size_t count = 0;
    enum call_end end = add_stars(call, batch, is_starred, &count);
    if (end == CALL_OK && count)
        return call_submit(call, batch, NULL);
    batch_free(&batch);
    return end == CALL_OK
               ? call_fail(call, API_ERROR_MISSING_PARAMETER, "Send id, albumId or artistId.")
               : end;
}

enum call_end rest_star(struct call *call) { return set_stars(call, true); }
enum call_end rest_unstar(struct call *call) { return set_stars(call, false); }

enum call_end rest_setRating(struct call *call)
{
    struct subject subject;
    uint64_t stars = call_number(call, "rating", 0);
    if (stars > 5)
        return call_fail(call, API_ERROR_GENERIC, "rating must be from 0 (none) to 5.");
    if (!find_subject(call, call_text(call, "id"), &subject))
        return call_fail_not_found(call);
    struct batch *batch = call_batch(call);
    batch_rating(batch, subject, (unsigned)stars);
    return call_submit(call, batch, NULL);
}

/* --- plays --- */

static void add_play(const struct call *call, struct batch *batch, uint32_t track, int64_t at_ms)
{
    struct track_row row;
    struct subject artists[MOST_ARTISTS];
    catalog_track(call->catalog, track, &row);
    struct play play = {.track = subject_of(CATALOG_TRACK, &row.id),
                        .album = subject_of(CATALOG_ALBUM, &row.album),
                        .artists = artists,
                        .at_ms = at_ms};
    for (uint32_t i = 0; i < row.credits.count && play.artist_count < MOST_ARTISTS; i++) {
        struct catalog_credit credit = catalog_credits_at(&row.credits, i);
        if (credit.role == CATALOG_ROLE_ARTIST)
            artists[play.artist_count++] = subject_of(CATALOG_ARTIST, &credit.artist);
    }
    batch_play(batch, &play);
}

static void set_now_playing(const struct call *call, uint32_t track)
{
    struct track_row row;
    catalog_track(call->catalog, track, &row);
    state_now_playing_set(call->api->config.state, call->account_id, call->client,
                          subject_of(CATALOG_TRACK, &row.id), exchange_now_ms(call->exchange));
}

/* The i-th `time` belongs to the i-th `id`; without one it was just now. */
static enum call_end add_plays(struct call *call, struct batch *batch, bool is_submission)
{
    size_t id_cursor = 0, time_cursor = 0, count = 0;
    uint64_t now_ms = (uint64_t)exchange_now_ms(call->exchange);
    struct text id, time;
    while (parameter_next(call->parameters, "id", &id_cursor, &id)) {
        uint32_t track;
        uint64_t at_ms = 0;
        if (++count > BATCH_MAX_OPERATIONS)
            return call_fail(call, API_ERROR_GENERIC, "At most 1000 ids at once.");
        if (!call_find_text(call, id, CATALOG_TRACK, &track))
            return call_fail_not_found(call);
        if (!parameter_next(call->parameters, "time", &time_cursor, &time) ||
            !text_to_u64(time, &at_ms))
            at_ms = now_ms;
        if (at_ms > now_ms) /* a clock that is wrong; nothing is played tomorrow */
            at_ms = now_ms;
        if (is_submission)
            add_play(call, batch, track, (int64_t)at_ms);
        else
            set_now_playing(call, track);
    }
    return CALL_OK;
}

enum call_end rest_scrobble(struct call *call)
{
    bool is_submission = parameter_bool(call->parameters, "submission", true);
    struct batch *batch = call_batch(call);
    enum call_end end = add_plays(call, batch, is_submission);
    if (end == CALL_OK && is_submission)
        return call_submit(call, batch, NULL);
    batch_free(&batch);
    return end;
}

/* --- now playing --- */

static void write_now_playing(struct call *call, const struct now_playing *playing, uint32_t track,
                              int64_t now_ms, uint64_t player)
{
    const struct account *account = state_account(call->api->config.state, playing->account);
    int64_t ago_ms = now_ms - playing->since_ms;
    answer_item(&call->answer);
    answer_text(&call->answer, "username", account ? account->name : TEXT(""));
    answer_u64(&call->answer, "minutesAgo", ago_ms > 0 ? (uint64_t)ago_ms / 60000 : 0);
    answer_u64(&call->answer, "playerId", player);
    answer_text(&call->answer, "playerName", playing->client);
    entity_song(call, track);
    answer_end(&call->answer);
}

enum call_end rest_getNowPlaying(struct call *call)
{
    int64_t now_ms = exchange_now_ms(call->exchange);
    struct now_playing playing;
    size_t cursor = 0;
    uint32_t track;
    answer_begin(&call->answer, "nowPlaying");
    answer_list(&call->answer, "entry");
    while (state_now_playing_next(call->api->config.state, now_ms, &cursor, &playing))
        if (entity_find(call, playing.track, CATALOG_TRACK, &track))
            write_now_playing(call, &playing, track, now_ms, cursor);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}
