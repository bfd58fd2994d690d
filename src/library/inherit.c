// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/inherit.h"

#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/file.h"
#include "library/database.h"
#include "library/grouping.h"
#include "library/group_row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_CHARACTERS = 4096,
    FIRST_ORDINALS = 4, /* looked for behind every track */
    MOST_ORDINALS = 64, /* behind one that has some */
};

/* Which audio a track is, and which copy of it; by id, to be searched. */
struct identity {
    struct catalog_id track;
    uint8_t audio[16];
    uint32_t ordinal, number; /* of the catalogue's row */
};

struct inherited_album {
    int64_t row;     /* 0: it has none */
    int64_t members; /* counted here, and written once: of many a row is no update */
};

struct heir {
    const struct catalog *catalog;
    struct catalog_view view;
    struct database *database;
    int64_t now_ms;
    struct identity *identities;        /* by id */
    const struct identity **of_numbers; /* the same, by number */
    uint32_t track_count;
    int64_t *folders; /* rows, by number */
    struct inherited_album *albums;
    struct inherited_library counts;
};

/* --- duplicates: which audio is theirs follows from the ids alone --- */

static int by_track(const void *a, const void *b)
{
    return catalog_id_compare(&((const struct identity *)a)->track,
                              &((const struct identity *)b)->track);
}

static struct identity *find(const struct heir *heir, const struct catalog_id *id)
{
    const struct identity wanted = {.track = *id};
    return bsearch(&wanted, heir->identities, heir->track_count, sizeof wanted, by_track);
}

static void find_copies(const struct heir *heir, const struct catalog_id *first)
{
    uint32_t last = FIRST_ORDINALS;
    for (uint32_t ordinal = 1; ordinal <= last; ordinal++) {
        struct catalog_id id = id_of_track(first->bytes, ordinal);
        struct identity *copy = find(heir, &id);
        if (!copy)
            continue;
        memcpy(copy->audio, first->bytes, sizeof copy->audio);
        copy->ordinal = ordinal;
        last = MOST_ORDINALS;
    }
}

static void identify(struct heir *heir)
{
    heir->identities = mem_alloc((heir->track_count + 1) * sizeof *heir->identities);
    for (uint32_t i = 0; i < heir->track_count; i++) {
        struct track_row track;
        catalog_track(heir->catalog, i, &track);
        heir->identities[i] = (struct identity){.track = track.id, .number = i};
        memcpy(heir->identities[i].audio, track.id.bytes, sizeof track.id.bytes);
    }
    qsort(heir->identities, heir->track_count, sizeof *heir->identities, by_track);
    heir->of_numbers = mem_alloc((heir->track_count + 1) * sizeof *heir->of_numbers);
    for (uint32_t i = 0; i < heir->track_count; i++) {
        heir->of_numbers[heir->identities[i].number] = &heir->identities[i];
        find_copies(heir, &heir->identities[i].track);
    }
}

/* --- albums and artists --- */

/* By their names, as a scan will find them. */
static void inherit_artists(struct heir *heir)
{
    uint32_t count = catalog_count(heir->view, CATALOG_ARTIST);
    for (uint32_t i = 0; i < count; i++) {
        struct artist_row artist;
        catalog_artist(heir->catalog, i, &artist);
        struct credit who = {.name = artist.name, .mbid = artist.musicbrainz_id};
        grouping_identify(&who);
        const struct group_identity identity = {.kind = GROUP_ARTIST,
                                                .key = who.key,
                                                .name_key = who.name_key,
                                                .mbid = who.mbid,
                                                .name = artist.name};
        heir->counts.artists +=
            group_row_insert(heir->database, &identity, &artist.id, heir->now_ms) != 0;
    }
}

/* Under no key: a scan gives them the one to which their members go. */
static void inherit_albums(struct heir *heir)
{
    uint32_t count = catalog_count(heir->view, CATALOG_ALBUM);
    heir->albums = mem_zalloc((count + 1) * sizeof *heir->albums);
    for (uint32_t i = 0; i < count; i++) {
        struct album_row album;
        catalog_album(heir->catalog, i, &album);
        struct group_identity identity = {
            .kind = GROUP_ALBUM, .mbid = album.musicbrainz_id, .name = album.name};
        memcpy(identity.key.bytes, album.id.bytes, sizeof identity.key.bytes);
        heir->albums[i].row =
            group_row_insert(heir->database, &identity, &album.id, album.created_ms);
        heir->counts.albums += heir->albums[i].row != 0;
    }
}

static void count_members(struct heir *heir)
{
    uint32_t count = catalog_count(heir->view, CATALOG_ALBUM);
    for (uint32_t i = 0; i < count; i++)
        group_row_add_members(heir->database, heir->albums[i].row, heir->albums[i].members);
}

/* --- folders and files --- */

/* The path of a track without its name; both as the catalogue shows them, which for names that are
 * not UTF-8 is not what they are: such files are found by their audio. */
static struct text split_path(struct text path, struct text *ret_name)
{
    size_t last = path.size;
    while (last > 0 && path.data[last - 1] != '/')
        last--;
    *ret_name = text_from(path, last);
    return text_make(path.data, last ? last - 1 : 0);
}

static int64_t find_folder(struct heir *heir, int32_t root, struct text path)
{
    sqlite3_stmt *get = database_use(heir->database, STATEMENT_FOLDER_FIND);
    bind_i64(get, 1, root);
    bind_bytes(get, 2, path.data ? path.data : "", path.size);
    int64_t row = database_step(heir->database, get) ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return row;
}

/* With those above it, which come first. */
static int64_t ensure_folder(struct heir *heir, int32_t root, struct text path)
{
    int64_t row = find_folder(heir, root, path), parent = 0;
    if (row)
        return row;
    if (path.size) {
        struct text name;
        parent = ensure_folder(heir, root, split_path(path, &name));
    }
    sqlite3_stmt *insert = database_use(heir->database, STATEMENT_FOLDER_INSERT);
    bind_i64(insert, 1, root);
    bind_bytes(insert, 2, path.data ? path.data : "", path.size);
    if (parent)
        bind_i64(insert, 3, parent);
    else
        bind_null(insert, 3);
    heir->counts.folders++;
    return database_run(heir->database, insert);
}

static void inherit_track(struct heir *heir, uint32_t number)
{
    struct track_row track;
    struct text name;
    catalog_track(heir->catalog, number, &track);
    const struct identity *who = heir->of_numbers[number];
    struct inherited_album *album = &heir->albums[track.album_number];
    struct text folder = split_path(track.path, &name);
    int64_t row = heir->folders[track.folder_number];
    if (!row)
        row = heir->folders[track.folder_number] = ensure_folder(heir, track.library, folder);
    sqlite3_stmt *insert = database_use(heir->database, STATEMENT_FILE_INHERIT);
    bind_i64(insert, 1, row);
    bind_bytes(insert, 2, name.data ? name.data : "", name.size);
    bind_i64(insert, 3, (int64_t)track.size_bytes);
    bind_i64(insert, 4, track.modified_ms * 1000000);
    bind_bytes(insert, 5, who->audio, sizeof who->audio);
    bind_i64(insert, 6, who->ordinal);
    bind_bytes(insert, 7, track.id.bytes, sizeof track.id.bytes);
    bind_i64(insert, 8, track.created_ms);
    bind_i64(insert, 9, album->row);
    bool is_inserted = database_step(heir->database, insert);
    sqlite3_reset(insert);
    heir->counts.tracks += is_inserted;
    heir->counts.left_out += !is_inserted;
    album->members += is_inserted;
}

static void inherit_all(struct heir *heir)
{
    heir->track_count = catalog_count(heir->view, CATALOG_TRACK);
    heir->folders =
        mem_zalloc((catalog_count(heir->view, CATALOG_FOLDER) + 1) * sizeof *heir->folders);
    identify(heir);
    inherit_artists(heir);
    inherit_albums(heir);
    for (uint32_t i = 0; i < heir->track_count; i++)
        inherit_track(heir, i);
    count_members(heir);
    mem_free(heir->identities);
    mem_free(heir->of_numbers);
    mem_free(heir->folders);
    mem_free(heir->albums);
}

/* Made under another name, without a log, and synced once: what a crash leaves behind is no
 * library.db, and is made anew. */
static int make(struct heir *heir, const char *path, char ret_why[256])
{
    (void)unlink(path);
    int error = library_database_open(path, DATABASE_MAKE, &heir->database, ret_why);
    if (error)
        return error;
    database_begin(heir->database);
    inherit_all(heir);
    error = database_commit(heir->database);
    library_database_close(&heir->database);
    if (error)
        (void)snprintf(ret_why, 256, "%.200s: %s", path, strerrordesc_np(-error));
    return error;
}

/* SQLite would take the log of a library.db that is gone for the new one's. */
static void forget_log(int folder)
{
    (void)unlinkat(folder, "library.db-wal", 0);
    (void)unlinkat(folder, "library.db-shm", 0);
}

static int settle(const char *state_folder, const char *path, char ret_why[256])
{
    int folder = file_open_dir(AT_FDCWD, state_folder);
    if (folder >= 0)
        forget_log(folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_done = folder >= 0 && fd >= 0 && fsync(fd) == 0 &&
                   renameat(AT_FDCWD, path, folder, "library.db") == 0 && fsync(folder) == 0;
    int error = is_done ? 0 : -errno;
    if (fd >= 0)
        (void)close(fd);
    if (folder >= 0)
        (void)close(folder);
    if (error)
        (void)snprintf(ret_why, 256, "%.200s: %s", path, strerrordesc_np(-error));
    return error;
}

int library_inherit(const char *state_folder, const struct catalog *catalog, int64_t now_ms,
                    struct inherited_library *ret, char ret_why[256])
{
    char path[PATH_CHARACTERS], made[PATH_CHARACTERS];
    struct heir heir = {
        .catalog = catalog, .view = {catalog, CATALOG_ALL_LIBRARIES}, .now_ms = now_ms};
    (void)snprintf(path, sizeof path, "%s/library.db", state_folder);
    (void)snprintf(made, sizeof made, "%s/library.db.making", state_folder);
    if (access(path, F_OK) == 0) {
        (void)snprintf(ret_why, 256, "%.200s is there already", path);
        return -EEXIST;
    }
    int error = make(&heir, made, ret_why);
    if (!error)
        error = settle(state_folder, made, ret_why);
    if (error)
        (void)unlink(made);
    else
        *ret = heir.counts;
    return error;
}
