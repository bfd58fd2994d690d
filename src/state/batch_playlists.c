// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/batch_build.h"
#include "state/position.h"
#include "state/state_internal.h"

enum { ENTRIES_PER_OPERATION = 1000 }; /* some 100 bytes each: below the payload's limit */

/* The author's own playlist, or NULL with the refusal noted. */
static const struct playlist *own_playlist(struct batch *batch, struct uid id,
                                           enum operation_kind kind)
{
    const struct playlist *playlist = state_playlist(batch->state, batch->account, id);
    if (playlist && uid_equal(playlist->owner, batch->account))
        return playlist;
    build_refused(batch, kind, OUTCOME_FORBIDDEN, "there is no such playlist of yours");
    return NULL;
}

static struct json begin_put(struct batch *batch, struct uid id)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    json_name(&json, "entries");
    json_begin_array(&json);
    return json;
}

/* False when there is no position left after `last`. */
static bool put_entry(struct json *json, struct subject track, struct position *last)
{
    struct position next;
    if (!position_between(text_of(last->digits), TEXT_NONE, &next))
        return false;
    *last = next;
    json_begin_object(json);
    build_uid(json, "entry", uid_random());
    build_subject(json, "track", track);
    json_member_text(json, "position", text_of(last->digits));
    json_end_object(json);
    return true;
}

static void put_tracks(struct batch *batch, struct uid id, struct position last,
                       const struct subject *tracks, size_t count)
{
    for (size_t at = 0; at < count; at += ENTRIES_PER_OPERATION) {
        size_t some = count - at < ENTRIES_PER_OPERATION ? count - at : ENTRIES_PER_OPERATION;
        bool has_room = true;
        struct json json = begin_put(batch, id);
        for (size_t i = 0; i < some; i++)
            has_room &= put_entry(&json, tracks[at + i], &last);
        json_end_array(&json);
        if (build_end(batch, &json, KIND_PLAYLIST_PUT) && !has_room)
            batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED,
                         "there is no room at the end: move some entries first");
    }
}

/* Removes the entries for which `is_gone` says so (all when NULL). */
static void remove_entries(struct batch *batch, const struct playlist *playlist,
                           const bool *is_gone)
{
    struct uid_text storage;
    for (size_t at = 0; at < playlist->entry_count; at += ENTRIES_PER_OPERATION) {
        struct json json = begin_put(batch, playlist->id);
        size_t removed = 0;
        for (size_t i = at; i < playlist->entry_count && i < at + ENTRIES_PER_OPERATION; i++) {
            if (is_gone && !is_gone[i])
                continue;
            json_text(&json, uid_text(&storage, playlist->entries[i]->id));
            removed++;
        }
        json_end_array(&json);
        if (removed)
            build_end(batch, &json, KIND_PLAYLIST_REMOVE);
    }
}

struct uid batch_playlist_create(struct batch *batch, struct text name,
                                 const struct subject *tracks, size_t count)
{
    struct uid id = uid_random();
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    json_member_text(&json, "name", name);
    json_member_i64(&json, "created", batch->author.now_ms);
    build_end(batch, &json, KIND_PLAYLIST);
    put_tracks(batch, id, (struct position){""}, tracks, count);
    return id;
}

void batch_playlist_change(struct batch *batch, struct uid id, struct text name,
                           struct text comment, const bool *is_public)
{
    if (!own_playlist(batch, id, KIND_PLAYLIST))
        return;
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    if (name.data)
        json_member_text(&json, "name", name);
    if (comment.data)
        json_member_text(&json, "comment", comment);
    if (is_public)
        json_member_bool(&json, "public", *is_public);
    build_end(batch, &json, KIND_PLAYLIST);
}

static struct position last_position(const struct playlist *playlist)
{
    struct position last = {""};
    if (playlist->entry_count) {
        struct text position = playlist->entries[playlist->entry_count - 1]->position;
        memcpy(last.digits, position.data, position.size);
        last.digits[position.size] = '\0';
    }
    return last;
}

void batch_playlist_append(struct batch *batch, struct uid id, const struct subject *tracks,
                           size_t count)
{
    const struct playlist *playlist = own_playlist(batch, id, KIND_PLAYLIST_PUT);
    if (playlist)
        put_tracks(batch, id, last_position(playlist), tracks, count);
}

void batch_playlist_remove_at(struct batch *batch, struct uid id, const size_t *indices,
                              size_t count)
{
    const struct playlist *playlist = own_playlist(batch, id, KIND_PLAYLIST_REMOVE);
    bool *is_gone = playlist ? arena_zalloc(batch->arena, playlist->entry_count + 1) : NULL;
    for (size_t i = 0; is_gone && i < count; i++)
        if (indices[i] < playlist->entry_count)
            is_gone[indices[i]] = true;
    if (is_gone)
        remove_entries(batch, playlist, is_gone);
}

void batch_playlist_replace(struct batch *batch, struct uid id, const struct subject *tracks,
                            size_t count)
{
    const struct playlist *playlist = own_playlist(batch, id, KIND_PLAYLIST_PUT);
    if (!playlist)
        return;
    remove_entries(batch, playlist, NULL);
    put_tracks(batch, id, (struct position){""}, tracks, count);
}

void batch_playlist_delete(struct batch *batch, struct uid id)
{
    if (!own_playlist(batch, id, KIND_PLAYLIST_DELETE))
        return;
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    build_end(batch, &json, KIND_PLAYLIST_DELETE);
}
