// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/shelf.h"

#include "base/map.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void shelf_init(struct shelf *shelf, uint32_t most)
{
    *shelf = (struct shelf){.most = most, .by_id = map_new(1, most)};
    shelf->tracks = mem_realloc_array(NULL, most, sizeof *shelf->tracks);
}

void shelf_release(struct shelf *shelf)
{
    map_free(&shelf->by_id);
    for (uint32_t i = 0; i < shelf->count; i++)
        segments_release(&shelf->tracks[i].segments);
    mem_free_p(&shelf->tracks);
    shelf->count = 0;
}

static bool copy_id(char *out, const json_t *song, const char *name)
{
    const char *value = json_string_value(json_object_get(song, name));
    size_t size = value ? strlen(value) : 0;
    if (size == 0 || size >= SHELF_ID_BYTES)
        return false;
    memcpy(out, value, size + 1);
    return true;
}

static bool read_track(const json_t *song, struct shelf_track *ret)
{
    json_int_t size = json_integer_value(json_object_get(song, "size"));
    json_int_t seconds = json_integer_value(json_object_get(song, "duration"));
    *ret = (struct shelf_track){0};
    if (!copy_id(ret->id, song, "id") || size <= 0 || seconds <= 0 || seconds > 86400)
        return false;
    ret->size_bytes = (uint64_t)size;
    ret->duration_ms = (uint32_t)seconds * 1000;
    if (!copy_id(ret->cover, song, "coverArt"))
        ret->cover[0] = '\0';
    return true;
}

/* Its place + 1, or 0. */
static size_t place_of(struct shelf *shelf, const struct shelf_track *track, bool grows)
{
    struct text id = text_of(track->id);
    const struct shelf_track *known = map_get(shelf->by_id, id);
    if (known)
        return (size_t)(known - shelf->tracks) + 1;
    if (!grows || shelf->count == shelf->most)
        return 0;
    shelf->tracks[shelf->count] = *track;
    if (!map_put(shelf->by_id, id, &shelf->tracks[shelf->count]))
        return 0;
    return ++shelf->count;
}

static void read_song(struct shelf *shelf, const json_t *song, bool grows, shelf_on_song *on_song,
                      void *context)
{
    struct shelf_track track;
    size_t place = read_track(song, &track) ? place_of(shelf, &track, grows) : 0;
    json_int_t plays = json_integer_value(json_object_get(song, "playCount"));
    if (place > 0)
        on_song(context, &(struct shelf_song){.track = (uint32_t)place - 1,
                                              .play_count = plays > 0 ? (uint64_t)plays : 0,
                                              .is_starred = json_object_get(song, "starred")});
}

int shelf_read(struct shelf *shelf, struct text json, bool grows, shelf_on_song *on_song,
               void *context)
{
    int count = -1;
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    const json_t *answer = json_object_get(root, "subsonic-response");
    const char *status = json_string_value(json_object_get(answer, "status"));
    if (status && strcmp(status, "ok") == 0) {
        const json_t *songs = json_object_get(json_object_get(answer, "searchResult3"), "song");
        count = (int)json_array_size(songs);
        for (int i = 0; i < count; i++)
            read_song(shelf, json_array_get(songs, (size_t)i), grows, on_song, context);
    }
    json_decref(root);
    return count;
}
