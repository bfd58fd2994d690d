// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * playlists: lists of songs that listeners keep, "pl-" and 22 digits.
 *
 * An entry whose song is gone, or not for this listener, stays in the list but is not shown; so the
 * indices that a client sends are those of the songs that it was shown (shown_entries).
 */
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/inside.h"

static bool parse_playlist(struct text t, struct uid *ret)
{
    struct subject subject;
    if (!subject_from_text(t, &subject) || !subject_is(subject, "pl"))
        return false;
    *ret = subject.uid;
    return true;
}

static const struct playlist *find_playlist(const struct call *call, const char *name)
{
    struct uid id;
    return parse_playlist(call_text(call, name), &id)
               ? state_playlist(call->api->config.state, call->account_id, id)
               : NULL;
}

/* The owner's, or NULL: the call has failed with the reason. */
static const struct playlist *find_own(struct call *call, const char *name)
{
    const struct playlist *playlist = find_playlist(call, name);
    if (playlist && uid_equal(playlist->owner, call->account_id))
        return playlist;
    if (playlist)
        (void)call_fail(call, API_ERROR_FORBIDDEN, "This playlist is somebody else's.");
    else
        (void)call_fail_not_found(call);
    return NULL;
}

/* --- writing them --- */

struct figures {
    uint64_t songs, duration_ms;
    struct catalog_id artwork;
};

static struct figures figures_of(const struct call *call, const struct playlist *playlist)
{
    struct figures figures = {0};
    for (size_t i = 0; i < playlist->entry_count; i++) {
        uint32_t track;
        if (!entity_find(call, playlist->entries[i]->track, CATALOG_TRACK, &track))
            continue;
        figures.songs++;
        figures.duration_ms += catalog_figures(call->view, CATALOG_TRACK, track).duration_ms;
        if (catalog_id_is_none(&figures.artwork))
            figures.artwork = catalog_artwork(call->view, CATALOG_TRACK, track);
    }
    return figures;
}

static void write_playlist(struct call *call, const struct playlist *playlist)
{
    struct answer *answer = &call->answer;
    struct figures figures = figures_of(call, playlist);
    const struct account *owner = state_account(call->api->config.state, playlist->owner);
    entity_subject(call, "id", subject_make("pl", playlist->id.bytes));
    answer_text(answer, "name", playlist->name);
    answer_some_text(answer, "comment", playlist->comment);
    answer_text(answer, "owner", owner ? owner->name : TEXT(""));
    answer_bool(answer, "public", playlist->is_public);
    answer_u64(answer, "songCount", figures.songs);
    answer_u64(answer, "duration", (figures.duration_ms + 500) / 1000);
    answer_date(answer, "created", playlist->created_ms);
    answer_date(answer, "changed", playlist->changed_ms);
    entity_id(call, "coverArt", CATALOG_ARTWORK, &figures.artwork);
    if (!answer->is_plain)
        answer_bool(answer, "readonly", !uid_equal(playlist->owner, call->account_id));
}

/* Beyond OpenSubsonic, for the owner's player: what operations call this entry and its place. */
static void write_entry_name(struct call *call, const struct playlist_entry *entry)
{
    struct uid_text name;
    answer_text(&call->answer, "entryId", uid_text(&name, entry->id));
    answer_text(&call->answer, "entryPosition", entry->position);
}

static void write_entries(struct call *call, const struct playlist *playlist)
{
    bool is_own = !call->answer.is_plain && uid_equal(playlist->owner, call->account_id);
    answer_list(&call->answer, "entry");
    for (size_t i = 0; i < playlist->entry_count; i++) {
        uint32_t track;
        if (!entity_find(call, playlist->entries[i]->track, CATALOG_TRACK, &track))
            continue;
        answer_item(&call->answer);
        if (is_own)
            write_entry_name(call, playlist->entries[i]);
        entity_song(call, track);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
}

static enum call_end write_whole(struct call *call, const struct playlist *playlist)
{
    answer_begin(&call->answer, "playlist");
    write_playlist(call, playlist);
    write_entries(call, playlist);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getPlaylist(struct call *call)
{
    const struct playlist *playlist = find_playlist(call, "id");
    return playlist ? write_whole(call, playlist) : call_fail_not_found(call);
}

enum call_end rest_getPlaylists(struct call *call)
{
    struct text name = call_text(call, "username");
    const struct account *viewer =
        name.size ? state_account_by_name(call->api->config.state, name) : call->account;
    if (viewer != call->account && !call->account->is_admin)
        return call_fail(call, API_ERROR_FORBIDDEN, NULL);
    if (!viewer)
        return call_fail_not_found(call);
    const struct playlist *playlist;
    size_t cursor = 0;
    answer_begin(&call->answer, "playlists");
    answer_list(&call->answer, "playlist");
    while ((playlist = state_playlist_next(call->api->config.state, viewer->id, &cursor))) {
        answer_item(&call->answer);
        write_playlist(call, playlist);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

/* --- changing them --- */

/* The songs of a repeated parameter; CALL_FAILED when one is not there. */
static enum call_end read_songs(struct call *call, const char *name, struct subject **ret_songs,
                                size_t *ret_count)
{
    size_t cursor = 0, count = 0;
    struct text id;
    struct subject *songs =
        arena_alloc(exchange_arena(call->exchange), (call->parameters->count + 1) * sizeof(*songs));
    if (!songs)
        return call_fail_busy(call, 1, "This request needs more memory than one may have.");
    while (parameter_next(call->parameters, name, &cursor, &id)) {
        uint32_t track;
        if (!call_find_text(call, id, CATALOG_TRACK, &track) ||
            !subject_from_text(id, &songs[count]))
            return call_fail_not_found(call);
        count++;
    }
    *ret_songs = songs;
    *ret_count = count;
    return CALL_OK;
}

static enum call_end answer_made(struct call *call)
{
    const struct playlist *playlist =
        state_playlist(call->api->config.state, call->account_id, call->made);
    return playlist ? write_whole(call, playlist) : call_fail_not_found(call);
}

static enum call_end replace_playlist(struct call *call, const struct subject *songs, size_t count)
{
    const struct playlist *playlist = find_own(call, "playlistId");
    if (!playlist)
        return CALL_FAILED;
    struct batch *batch = call_batch(call);
    call->made = playlist->id;
    if (call_text(call, "name").size)
        batch_playlist_change(batch, playlist->id, call_text(call, "name"), TEXT_NONE, NULL);
    batch_playlist_replace(batch, playlist->id, songs, count);
    return call_submit(call, batch, answer_made);
}

enum call_end rest_createPlaylist(struct call *call)
{
    struct subject *songs;
    size_t count;
    if (read_songs(call, "songId", &songs, &count) != CALL_OK)
        return CALL_FAILED;
    if (call_text(call, "playlistId").size)
        return replace_playlist(call, songs, count);
    if (!call_text(call, "name").size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "Send name, or playlistId to replace a playlist.");
    struct batch *batch = call_batch(call);
    call->made = batch_playlist_create(batch, call_text(call, "name"), songs, count);
    return call_submit(call, batch, answer_made);
}

/* Which entries the client was shown, by their index in the list. */
static size_t *shown_entries(const struct call *call, const struct playlist *playlist,
                             size_t *ret_count)
{
    size_t *shown =
        arena_alloc(exchange_arena(call->exchange), (playlist->entry_count + 1) * sizeof(*shown));
    uint32_t track;
    *ret_count = 0;
    for (size_t i = 0; shown && i < playlist->entry_count; i++)
        if (entity_find(call, playlist->entries[i]->track, CATALOG_TRACK, &track))
            shown[(*ret_count)++] = i;
    return shown;
}

static enum call_end read_indices(struct call *call, const struct playlist *playlist,
                                  size_t **ret_indices, size_t *ret_count)
{
    size_t shown_count, cursor = 0, count = 0;
    struct text digits;
    size_t *shown = shown_entries(call, playlist, &shown_count);
    size_t *indices = arena_alloc(exchange_arena(call->exchange),
                                  (call->parameters->count + 1) * sizeof(*indices));
    if (!shown || !indices)
        return call_fail_busy(call, 1, "This request needs more memory than one may have.");
    while (parameter_next(call->parameters, "songIndexToRemove", &cursor, &digits)) {
        uint64_t index;
        if (!text_to_u64(digits, &index) || index >= shown_count)
            return call_fail(call, API_ERROR_NOT_FOUND,
                             "songIndexToRemove is past the end of the playlist.");
        indices[count++] = shown[index];
    }
    *ret_indices = indices;
    *ret_count = count;
    return CALL_OK;
}

enum call_end rest_updatePlaylist(struct call *call)
{
    const struct playlist *playlist = find_own(call, "playlistId");
    struct subject *songs = NULL;
    size_t *indices = NULL, song_count = 0, index_count = 0;
    if (!playlist || read_songs(call, "songIdToAdd", &songs, &song_count) != CALL_OK ||
        read_indices(call, playlist, &indices, &index_count) != CALL_OK)
        return CALL_FAILED;
    struct text name = call_text(call, "name");
    /* an empty comment clears it; an absent one leaves it */
    struct text comment = http_parameter(call->parameters, TEXT("comment"));
    bool is_public = parameter_bool(call->parameters, "public", false);
    bool has_public = call_text(call, "public").size > 0;
    struct batch *batch = call_batch(call);
    if (name.size || comment.data || has_public)
        batch_playlist_change(batch, playlist->id, name.size ? name : TEXT_NONE, comment,
                              has_public ? &is_public : NULL);
    if (index_count)
        batch_playlist_remove_at(batch, playlist->id, indices, index_count);
    if (song_count)
        batch_playlist_append(batch, playlist->id, songs, song_count);
    return call_submit(call, batch, NULL);
}

enum call_end rest_deletePlaylist(struct call *call)
{
    const struct playlist *playlist = find_own(call, "id");
    if (!playlist)
        return CALL_FAILED;
    struct batch *batch = call_batch(call);
    batch_playlist_delete(batch, playlist->id);
    return call_submit(call, batch, NULL);
}
