// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/lookup.h"
#include "base/mem.h"
#include "io/file.h"
#include "library/filename.h"
#include "library/rows.h"
#include "media/lrc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- places --- */

void lookup_place_release(struct lookup_place *place)
{
    mem_free(place->path);
    place->path = NULL;
}

static char *joined(struct text folder, struct text name, const char *suffix)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s%s%.*s%s", TEXT_ARGS(folder), folder.size ? "/" : "", TEXT_ARGS(name),
                 suffix) < 0)
        return NULL;
    return path;
}

int lookup_open(const struct lookup *lookup, const struct lookup_place *place, int flags)
{
    for (size_t i = 0; i < lookup->root_count; i++) {
        if (lookup->roots[i].id != place->root)
            continue;
        int root_fd = file_open_dir(AT_FDCWD, lookup->roots[i].path);
        if (root_fd < 0)
            return root_fd;
        int fd = walk_open(root_fd, place->path, flags, &lookup->places);
        close(root_fd);
        return fd;
    }
    return -ENOENT;
}

/* --- a track --- */

struct track_place {
    struct lookup_place place;
    struct media_info info;
};

static void track_place_release(struct track_place *found)
{
    lookup_place_release(&found->place);
    media_info_release(&found->info);
}

static int find_track(struct lookup *lookup, const uint8_t track_id[16], struct track_place *ret)
{
    *ret = (struct track_place){0};
    pthread_mutex_lock(&lookup->lock);
    sqlite3_stmt *get = database_use(lookup->database, STATEMENT_FILE_BY_TRACK);
    bind_bytes(get, 1, track_id, 16);
    int error = -ENOENT;
    if (database_step(lookup->database, get)) {
        ret->place.root = sqlite3_column_int(get, 0);
        ret->place.path = joined(column_bytes(get, 1), column_bytes(get, 2), "");
        struct text info = column_bytes(get, 4); /* none: inherited, and no scan was there yet */
        error = !info.size || media_info_decode(info, &ret->info) ? 0 : -EBADMSG;
    }
    sqlite3_reset(get);
    pthread_mutex_unlock(&lookup->lock);
    if (error)
        track_place_release(ret);
    return error;
}

int lookup_file(const struct lookup *lookup, const struct lookup_place *place,
                struct library_file *ret)
{
    struct stat status;
    int fd = lookup_open(lookup, place, O_RDONLY);
    if (fd < 0)
        return fd == -ENOTDIR || fd == -EXDEV || fd == -ELOOP ? -ENOENT : fd;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -ENOENT;
    }
    int64_t mtime_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    *ret = (struct library_file){.fd = fd,
                                 .size_bytes = (uint64_t)status.st_size,
                                 .mtime_ns = mtime_ns,
                                 .changed_ns = (int64_t)status.st_ctim.tv_sec * 1000000000 +
                                               status.st_ctim.tv_nsec,
                                 .version = rows_file_version((uint64_t)status.st_size, mtime_ns),
                                 .root = place->root};
    return 0;
}

/* By its name, of a file that no scan has read yet. */
static void tell_kind(const struct track_place *found, struct library_file *ret)
{
    struct text suffix = filename_suffix(text_of(found->place.path));
    enum media_codec codec = found->info.codec;
    for (int i = MEDIA_CODEC_MP3; !codec && media_codec_suffix((enum media_codec)i); i++)
        if (text_equal_nocase(suffix, text_of(media_codec_suffix((enum media_codec)i))))
            codec = (enum media_codec)i;
    ret->content_type = codec ? media_codec_content_type(codec) : "application/octet-stream";
    ret->suffix = codec ? media_codec_suffix(codec) : "";
}

int lookup_track(struct lookup *lookup, const uint8_t track_id[16], struct library_file *ret)
{
    struct track_place found;
    int error = find_track(lookup, track_id, &found);
    if (error)
        return error;
    error = lookup_file(lookup, &found.place, ret);
    if (!error)
        tell_kind(&found, ret);
    track_place_release(&found);
    return error;
}

/* --- lyrics --- */

enum { MAX_LYRICS = 16 };

static bool take_lyrics(struct arena *arena, const struct media_lyrics *from,
                        struct library_lyrics *into)
{
    struct library_lyric_line *lines = arena_alloc(arena, (from->line_count + 1) * sizeof *lines);
    if (!lines)
        return false;
    for (size_t i = 0; i < from->line_count; i++) {
        lines[i].start_ms = from->is_synced ? from->lines[i].start_ms : -1;
        lines[i].text = arena_text(arena, from->lines[i].text);
    }
    *into = (struct library_lyrics){
        .is_synced = from->is_synced, .lines = lines, .line_count = from->line_count};
    bool is_known = from->language.size == 3;
    memcpy(into->language, is_known ? from->language.data : "xxx", 3);
    return !arena_overflowed(arena);
}

/* "Song.flac" has "Song.lrc", "Song.txt" beside it */
static bool read_sidecar(const struct lookup *lookup, const struct lookup_place *track,
                         const char *suffix, struct arena *arena, struct library_lyrics *ret)
{
    struct text whole = text_of(track->path);
    size_t folder = whole.size;
    while (folder > 0 && whole.data[folder - 1] != '/')
        folder--;
    struct text stem = filename_stem(text_from(whole, folder));
    struct lookup_place place = {
        track->root, joined(text_make(whole.data, folder ? folder - 1 : 0), stem, suffix)};
    int fd = place.path ? lookup_open(lookup, &place, O_RDONLY) : -ENOMEM;
    lookup_place_release(&place);
    if (fd < 0)
        return false;
    struct stat status;
    bool is_good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
                   status.st_size <= LRC_MAX_BYTES;
    char *bytes = is_good ? mem_alloc((size_t)status.st_size) : NULL;
    struct media_lyrics lyrics;
    is_good = is_good && file_read_at(fd, bytes, (size_t)status.st_size, 0) == 0 &&
              lrc_parse(text_make(bytes, (size_t)status.st_size), arena, &lyrics) &&
              take_lyrics(arena, &lyrics, ret);
    mem_free(bytes);
    close(fd);
    return is_good;
}

int lookup_lyrics(struct lookup *lookup, const uint8_t track_id[16], struct arena *arena,
                  const struct library_lyrics **ret_lyrics, size_t *ret_count)
{
    struct track_place found;
    int error = find_track(lookup, track_id, &found);
    if (error)
        return error;
    struct library_lyrics all[MAX_LYRICS];
    size_t count = 0;
    static const char *const suffixes[][2] = {{".lrc", ".LRC"}, {".txt", ".TXT"}};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (read_sidecar(lookup, &found.place, suffixes[i][0], arena, &all[count]) ||
            read_sidecar(lookup, &found.place, suffixes[i][1], arena, &all[count]))
            count++;
    for (size_t i = 0; i < found.info.lyrics_count && count < MAX_LYRICS; i++)
        count += take_lyrics(arena, &found.info.lyrics[i], &all[count]);
    track_place_release(&found);
    struct library_lyrics *ordered = arena_alloc(arena, (count + 1) * sizeof *ordered);
    if (!ordered)
        return -ENOBUFS;
    size_t filled = 0;
    for (int is_synced = 1; is_synced >= 0; is_synced--)
        for (size_t i = 0; i < count; i++)
            if (all[i].is_synced == (is_synced != 0))
                ordered[filled++] = all[i];
    *ret_lyrics = ordered;
    *ret_count = count;
    return 0;
}

/* --- the report --- */

void lookup_report(struct lookup *lookup, library_on_problem *on_problem, void *context)
{
    struct arena *arena = arena_new(64 * 1024);
    pthread_mutex_lock(&lookup->lock);
    sqlite3_stmt *get = database_use(lookup->database, STATEMENT_REPORT);
    bind_i64(get, 1, LIBRARY_MAX_REPORT);
    bool goes_on = true;
    while (goes_on && database_step(lookup->database, get)) {
        arena_reset(arena);
        struct library_problem problem = {.root = sqlite3_column_int(get, 0),
                                          .path = filename_shown(arena, column_bytes(get, 1)),
                                          .reason = column_bytes(get, 2)};
        goes_on = on_problem(context, &problem);
    }
    sqlite3_reset(get);
    pthread_mutex_unlock(&lookup->lock);
    arena_free(&arena);
}

/* --- pictures --- */

static size_t add_places(struct lookup *lookup, enum statement statement, const uint8_t digest[16],
                         bool is_embedded, struct lookup_picture *ret, size_t max)
{
    size_t count = 0;
    sqlite3_stmt *get = database_use(lookup->database, statement);
    bind_bytes(get, 1, digest, 16);
    while (count < max && database_step(lookup->database, get)) {
        ret[count].is_embedded = is_embedded;
        ret[count].place.root = sqlite3_column_int(get, 0);
        ret[count].place.path = joined(column_bytes(get, 1), column_bytes(get, 2), "");
        count += ret[count].place.path != NULL;
    }
    sqlite3_reset(get);
    return count;
}

size_t lookup_pictures(struct lookup *lookup, const uint8_t digest[16], struct lookup_picture *ret,
                       size_t max)
{
    pthread_mutex_lock(&lookup->lock);
    size_t count = add_places(lookup, STATEMENT_FOLDER_BY_COVER, digest, false, ret, max);
    count +=
        add_places(lookup, STATEMENT_FOLDER_BY_ARTIST_ART, digest, false, ret + count, max - count);
    count += add_places(lookup, STATEMENT_FILE_BY_ART, digest, true, ret + count, max - count);
    pthread_mutex_unlock(&lookup->lock);
    return count;
}
