// SPDX-License-Identifier: GPL-3.0-or-later
/* lyrics: read from beside or inside the file, on a worker, for getLyricsBySongId and the older
 * getLyrics. */
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/held.h"
#include "api/inside.h"
#include "api/kept.h"
#include "api/lyrics_object.h"
#include "base/mem.h"
#include "catalog/search.h"
#include "io/workers.h"
#include "library/library.h"

typedef void lyrics_write(struct call *call, uint32_t track, const struct library_lyrics *lyrics,
                          size_t count);

/* A worker may still be at it when the server has ended: it touches nothing but the job and the
 * library. */
struct job {
    struct library *library;
    struct call *call;
    lyrics_write *write;
    uint32_t track;
    struct catalog_id id;
    struct arena *arena; /* its own: a worker fills it */
    const struct library_lyrics *lyrics;
    size_t count;
};

static void job_work(void *context)
{
    struct job *job = context;
    if (library_read_lyrics(job->library, job->id.bytes, job->arena, &job->lyrics, &job->count))
        job->count = 0; /* a file that cannot be read has none */
}

static void job_free(struct job *job)
{
    arena_free(&job->arena);
    mem_free(job);
}

static void job_done(void *context)
{
    struct job *job = context;
    job->write(job->call, job->track, job->lyrics, job->count);
    call_finish(job->call, CALL_OK);
    job_free(job);
}

static bool read_file(struct job *job)
{
    const struct api_config *config = &job->call->api->config;
    return workers_submit(config->workers, config->loop, job_work, job_done, job);
}

/* On a node that follows: what its origin said, or for want of it none.  An origin knows what it
 * read of a file that is away. */
static void on_told(void *context, struct text body)
{
    struct job *job = context;
    if (!body.data && !api_follows(job->call->api) && read_file(job))
        return;
    if (!body.data || !lyrics_object_read(body, job->arena, &job->lyrics, &job->count))
        job->count = 0;
    job_done(job);
}

static enum call_end read_lyrics(struct call *call, uint32_t track, lyrics_write *write)
{
    struct track_row row;
    catalog_track(call->catalog, track, &row);
    struct job *job = MEM_NEW(struct job);
    *job = (struct job){.library = call->api->config.library,
                        .call = call,
                        .write = write,
                        .track = track,
                        .id = row.id};
    job->arena = arena_new(LYRICS_MAX_BYTES);
    if (api_follows(call->api) || kept_is_wanted(call->api, &row)) {
        if (row.has_lyrics)
            held_read(call->api, &row.id, "lyrics", on_told, job);
        else
            loop_post(call->api->config.loop, job_done, job);
        return CALL_LATER;
    }
    if (read_file(job))
        return CALL_LATER;
    job_free(job);
    return call_fail_busy(call, 1, "Too much is being read just now.");
}

/* --- getLyricsBySongId (extension songLyrics 1) --- */

static void write_lines(struct answer *answer, const struct library_lyrics *lyrics)
{
    answer_list(answer, "line");
    for (size_t i = 0; i < lyrics->line_count; i++) {
        answer_item(answer);
        if (lyrics->is_synced)
            answer_i64(answer, "start", lyrics->lines[i].start_ms);
        answer_value(answer, lyrics->lines[i].text);
        answer_end(answer);
    }
    answer_end(answer);
}

static void write_structured(struct call *call, uint32_t track, const struct library_lyrics *lyrics,
                             size_t count)
{
    struct answer *answer = &call->answer;
    struct track_row row;
    catalog_track(call->catalog, track, &row);
    answer_begin(answer, "lyricsList");
    answer_list(answer, "structuredLyrics");
    for (size_t i = 0; i < count; i++) {
        answer_item(answer);
        answer_text(answer, "displayArtist", row.display_artist);
        answer_text(answer, "displayTitle", row.title);
        answer_text(answer, "lang", text_of(lyrics[i].language));
        answer_bool(answer, "synced", lyrics[i].is_synced);
        answer_i64(answer, "offset", 0);
        write_lines(answer, &lyrics[i]);
        answer_end(answer);
    }
    answer_end(answer);
    answer_end(answer);
}

enum call_end rest_getLyricsBySongId(struct call *call)
{
    uint32_t track;
    return call_find(call, "id", CATALOG_TRACK, &track) ? read_lyrics(call, track, write_structured)
                                                        : call_fail_not_found(call);
}

/* --- getLyrics: by artist and title, one text --- */

static void write_as_text(struct call *call, uint32_t track, const struct library_lyrics *lyrics,
                          size_t count)
{
    struct track_row row;
    struct buffer words;
    catalog_track(call->catalog, track, &row);
    buffer_init(&words, LYRICS_MAX_BYTES);
    for (size_t i = 0; count && i < lyrics->line_count; i++) {
        if (i)
            buffer_byte(&words, '\n');
        buffer_text(&words, lyrics->lines[i].text);
    }
    answer_begin(&call->answer, "lyrics");
    answer_text(&call->answer, "artist", row.display_artist);
    answer_text(&call->answer, "title", row.title);
    answer_value(&call->answer, buffer_view(&words));
    answer_end(&call->answer);
    buffer_release(&words);
}

static bool find_song(const struct call *call, struct text artist, struct text title, uint32_t *ret)
{
    uint32_t hits[20];
    struct search_query query = {.words = arena_printf(exchange_arena(call->exchange), "%.*s %.*s",
                                                       TEXT_ARGS(title), TEXT_ARGS(artist))};
    query.pages[SEARCH_SONGS] = (struct search_page){.max = ARRAY_SIZE(hits), .ret = hits};
    catalog_search(call->view, &query);
    for (size_t i = 0; i < query.pages[SEARCH_SONGS].count; i++) {
        struct track_row row;
        catalog_track(call->catalog, hits[i], &row);
        if (!text_equal_nocase(row.title, title))
            continue;
        *ret = hits[i];
        return true;
    }
    return false;
}

enum call_end rest_getLyrics(struct call *call)
{
    uint32_t track;
    struct text title = call_text(call, "title");
    if (title.size && find_song(call, call_text(call, "artist"), title, &track))
        return read_lyrics(call, track, write_as_text);
    answer_begin(&call->answer, "lyrics");
    answer_value(&call->answer, TEXT(""));
    answer_end(&call->answer);
    return CALL_OK;
}
