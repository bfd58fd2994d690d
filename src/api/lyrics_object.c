// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/lyrics_object.h"

#include "api/inside.h"
#include "api/manifests.h"
#include "api/proof.h"
#include "api/renditions.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "io/workers.h"

#include <string.h>

/* --- the body --- */

static void write_one(struct json *json, const struct library_lyrics *lyrics)
{
    json_begin_object(json);
    json_member_text(json, "language", text_of(lyrics->language));
    json_member_bool(json, "isSynced", lyrics->is_synced);
    json_name(json, "lines");
    json_begin_array(json);
    for (size_t i = 0; i < lyrics->line_count; i++) {
        json_begin_object(json);
        if (lyrics->is_synced)
            json_member_i64(json, "at", lyrics->lines[i].start_ms);
        json_member_text(json, "text", lyrics->lines[i].text);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

void lyrics_object_write(struct text track, const struct library_lyrics *lyrics, size_t count,
                         struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "format", TEXT("lyrics 1.0"));
    json_member_text(&json, "track", track);
    json_name(&json, "lyrics");
    json_begin_array(&json);
    for (size_t i = 0; i < count && i < LYRICS_TEXTS_MAX; i++)
        write_one(&json, &lyrics[i]);
    json_end_array(&json);
    json_end_object(&json);
}

static bool read_line(const struct json_node *node, bool is_synced, struct library_lyric_line *ret)
{
    const struct json_node *text = json_tree_member(node, TEXT("text")),
                           *at = json_tree_member(node, TEXT("at"));
    bool has_time = json_tree_is(at, JSON_NODE_INTEGER) && at->integer >= 0;
    if (!json_tree_is(text, JSON_NODE_TEXT) || (is_synced && !has_time))
        return false;
    *ret = (struct library_lyric_line){is_synced ? at->integer : -1, text->text};
    return true;
}

static bool read_one(const struct json_node *node, struct arena *arena, struct library_lyrics *ret)
{
    const struct json_node *language = json_tree_member(node, TEXT("language")),
                           *synced = json_tree_member(node, TEXT("isSynced")),
                           *lines = json_tree_member(node, TEXT("lines"));
    if (!json_tree_is(language, JSON_NODE_TEXT) || language->text.size >= sizeof ret->language ||
        !json_tree_is(synced, JSON_NODE_BOOL) || !json_tree_is(lines, JSON_NODE_ARRAY) ||
        lines->count > LYRICS_LINES_MAX)
        return false;
    struct library_lyric_line *own = arena_zalloc(arena, (lines->count + 1) * sizeof *own);
    if (!own)
        return false;
    *ret = (struct library_lyrics){.is_synced = synced->integer, .lines = own};
    bytes_copy(ret->language, language->text.data, language->text.size);
    for (const struct json_node *line = json_tree_items(lines); line; line = line->next)
        if (!read_line(line, ret->is_synced, &own[ret->line_count++]))
            return false;
    return true;
}

bool lyrics_object_read(struct text body, struct arena *arena,
                        const struct library_lyrics **ret_lyrics, size_t *ret_count)
{
    const char *why;
    const struct json_node *root = json_tree_read(arena, body, &why),
                           *format = json_tree_member(root, TEXT("format")),
                           *list = json_tree_member(root, TEXT("lyrics"));
    size_t count = 0;
    if (!json_tree_is(format, JSON_NODE_TEXT) || !text_starts(format->text, TEXT("lyrics 1.")) ||
        !json_tree_is(list, JSON_NODE_ARRAY) || list->count > LYRICS_TEXTS_MAX)
        return false;
    struct library_lyrics *own = arena_zalloc(arena, (list->count + 1) * sizeof *own);
    for (const struct json_node *one = json_tree_items(list); own && one; one = one->next)
        if (!read_one(one, arena, &own[count++]))
            return false;
    *ret_lyrics = own;
    *ret_count = count;
    return own != NULL;
}

/* --- serving it --- */

/* A worker may still be at it when the server has ended: it touches the job and the library. */
struct job {
    struct api *api;
    struct library *library;
    struct exchange *exchange;
    struct catalog_id id;
    struct arena *arena;
    const struct library_lyrics *lyrics;
    size_t count;
};

static void job_work(void *context)
{
    struct job *job = context;
    if (library_read_lyrics(job->library, job->id.bytes, job->arena, &job->lyrics, &job->count))
        job->count = 0; /* a file that cannot be read has none */
}

static void job_done(void *context)
{
    struct job *job = context;
    struct catalog_id_text id;
    struct buffer body;
    buffer_init(&body, SIGNED_MAX_BODY_BYTES);
    lyrics_object_write(catalog_id_print(&id, CATALOG_TRACK, &job->id), job->lyrics, job->count,
                        &body);
    manifests_send(job->exchange, job->api, OBJECT_LYRICS, &body);
    buffer_release(&body);
    arena_free(&job->arena);
    mem_free(job);
}

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static bool parse(const struct exchange *exchange, struct catalog_id *ret)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1), track;
    enum catalog_kind kind;
    return text_split(&rest, '/', &track) && catalog_id_parse(track, &kind, ret) &&
           kind == CATALOG_TRACK && text_equal(rest, TEXT("lyrics"));
}

static void start(struct api *api, struct exchange *exchange, const struct catalog_id *id)
{
    struct job *job = MEM_NEW(struct job);
    *job = (struct job){.api = api,
                        .library = api->config.library,
                        .exchange = exchange,
                        .id = *id,
                        .arena = arena_new(LYRICS_MAX_BYTES)};
    if (workers_submit(api->config.workers, api->config.loop, job_work, job_done, job))
        return;
    arena_free(&job->arena);
    mem_free(job);
    exchange_field(exchange, "Retry-After", TEXT("1"));
    refuse(exchange, 503, "Not now", "Too much is being read just now.");
}

static void at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct catalog_id id;
    struct hot_proof proof;
    struct track_row row;
    bool is_name = parse(exchange, &id);
    if (!proof_at_home(api, exchange, &proof))
        return;
    struct catalog *catalog = library_catalog(api->config.library);
    if (is_name && renditions_find_row(catalog, &proof, &id, &row))
        start(api, exchange, &id);
    else
        refuse(exchange, 404, "Not found",
               "There is nothing of this name, or not for this listener.");
    catalog_unref(&catalog);
}

bool lyrics_object_handle(struct api *api, struct exchange *exchange)
{
    struct catalog_id id;
    if (!parse(exchange, &id))
        return false;
    exchange_go_home(exchange, at_home, api);
    return true;
}
