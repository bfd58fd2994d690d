// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * music: a house with a folder of music and a library over it, for tests.
 *
 * Sound files are FLAC headers with tags and a made-up audio digest, which is all that a scan reads
 * of them: two files with the same `audio` are the same recording.
 */
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/file.h"
#include "library/library.h"
#include "media/pool.h"
#include "tap.h"
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct house {
    char folder[64]; /* of everything */
    char music[80], state[80];
    const char *allowed_place;
    bool is_watching, has_second; /* another root, "second", with id 2 */
    struct loop *loop;
    struct media_pool *media;
    struct library *library;
    struct library_subscriber subscriber;
    struct loop_timer deadline;
    bool is_late;
    uint64_t wanted_version; /* of the catalogue; 0: wait for the scan's end */
};

/* --- files --- */

static inline void house_path(const struct house *house, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", house->music, name);
}

static inline void write_bytes(const char *path, const void *data, size_t size)
{
    char parent[512];
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = '\0';
    if (file_make_dirs(AT_FDCWD, parent, 0700))
        abort();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || file_write_all(fd, data, size))
        abort();
    close(fd);
}

/* `tags`: "TITLE=One|ARTIST=A|…"; repeated names are several values. */
static inline void put_song(const struct house *house, const char *name, unsigned audio,
                            const char *tags)
{
    struct buffer song, comment;
    buffer_init(&song, 1 << 20);
    buffer_init(&comment, 1 << 16);
    uint32_t count = *tags != '\0';
    for (const char *at = tags; *at; at++)
        count += *at == '|';
    buffer_u32(&comment, 4);
    buffer_text(&comment, TEXT("test"));
    buffer_u32(&comment, count);
    struct text rest = text_of(tags), part;
    while (count && text_split(&rest, '|', &part)) {
        buffer_u32(&comment, (uint32_t)part.size);
        buffer_text(&comment, part);
    }
    static const uint8_t info[18] = {16, 0,    16,   0,    0,    0, 0,    0,    0,
                                     0,  0x0a, 0xc4, 0x42, 0xf0, 0, 0x01, 0x58, 0x88};
    buffer_append(&song, "fLaC\0\0\0\x22", 8);
    buffer_append(&song, info, sizeof info);
    uint64_t digest[2] = {audio + UINT64_C(0x1234567800000000), ~(uint64_t)audio};
    buffer_append(&song, digest, sizeof digest);
    uint8_t head[4] = {0x84, (uint8_t)(comment.size >> 16), (uint8_t)(comment.size >> 8),
                       (uint8_t)comment.size};
    buffer_append(&song, head, sizeof head);
    buffer_text(&song, buffer_view(&comment));
    static const uint8_t frame[64] = {0xff, 0xf8, 0xc9, 0x18};
    for (int i = 0; i < 32; i++)
        buffer_append(&song, frame, sizeof frame);
    char path[512];
    house_path(house, name, path);
    write_bytes(path, song.data, song.size);
    buffer_release(&comment);
    buffer_release(&song);
}

static inline void put_file(const struct house *house, const char *name, const char *content)
{
    char path[512];
    house_path(house, name, path);
    write_bytes(path, content, strlen(content));
}

static inline void move_file(const struct house *house, const char *from, const char *to)
{
    char a[512], b[512], parent[512];
    house_path(house, from, a);
    house_path(house, to, b);
    snprintf(parent, sizeof parent, "%s", b);
    *strrchr(parent, '/') = '\0';
    if (file_make_dirs(AT_FDCWD, parent, 0700) || rename(a, b) < 0)
        abort();
}

static inline void remove_file(const struct house *house, const char *name)
{
    char path[512];
    house_path(house, name, path);
    if (unlink(path) < 0 && rmdir(path) < 0)
        abort();
}

static inline int remove_one(const char *path, const struct stat *status, int type,
                             struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        printf("# %s stays\n", path);
}

/* --- the house --- */

static inline void house_on_change(struct library_subscriber *subscriber, bool is_new_catalog)
{
    (void)is_new_catalog;
    struct house *house = CONTAINER_OF(subscriber, struct house, subscriber);
    struct library_status status;
    library_status(house->library, &status);
    bool is_there =
        house->wanted_version ? status.version >= house->wanted_version : status.finished_ms != 0;
    if (is_there && status.phase == LIBRARY_IDLE)
        loop_stop(house->loop);
}

static inline void house_on_deadline(struct loop_timer *timer, uint64_t now_us)
{
    (void)now_us;
    struct house *house = CONTAINER_OF(timer, struct house, deadline);
    house->is_late = true;
    loop_stop(house->loop);
}

static inline void house_open(struct house *house)
{
    char second[100];
    snprintf(second, sizeof second, "%s/second", house->folder);
    struct library_root roots[] = {{1, "Music", house->music}, {2, "Second", second}};
    struct library_config config = {.roots = roots,
                                    .root_count = house->has_second ? 2 : 1,
                                    .allowed_places = &house->allowed_place,
                                    .allowed_place_count = house->allowed_place ? 1 : 0,
                                    .state_folder = house->state,
                                    .media = house->media,
                                    .loop = house->loop,
                                    .watch = house->is_watching};
    char why[256];
    if (library_open(&config, &house->library, why)) {
        printf("Bail out! %s\n", why);
        exit(1);
    }
    house->subscriber.on_change = house_on_change;
    library_subscribe(house->library, &house->subscriber);
}

static inline void house_build(struct house *house, const char *worker)
{
    *house = (struct house){.deadline.on_timer = house_on_deadline};
    snprintf(house->folder, sizeof house->folder, "/tmp/sostenuto-library-XXXXXX");
    if (!mkdtemp(house->folder))
        abort();
    snprintf(house->music, sizeof house->music, "%s/music", house->folder);
    snprintf(house->state, sizeof house->state, "%s/state", house->folder);
    if (mkdir(house->music, 0700) < 0)
        abort();
    house->loop = loop_new();
    house->media =
        media_pool_start(&(struct media_config){.worker_path = worker, .probe_workers = 1});
}

static inline void house_close(struct house *house) { library_close(&house->library); }

static inline void house_demolish(struct house *house)
{
    house_close(house);
    media_pool_stop(&house->media);
    loop_free(&house->loop);
    remove_tree(house->folder);
}

/* Until the scan's end, or until a catalogue of `version` is there; at most 30 s. */
static inline bool house_wait(struct house *house, uint64_t version)
{
    house->wanted_version = version;
    house->is_late = false;
    loop_timer_start(house->loop, &house->deadline, loop_now_us(house->loop) + 30000000);
    loop_run(house->loop);
    loop_timer_stop(&house->deadline);
    return !house->is_late;
}

static inline struct library_status house_scan_with(struct house *house,
                                                    struct library_scan_options options)
{
    struct library_status status;
    library_scan(house->library, options);
    if (!house_wait(house, 0))
        printf("# the scan did not end in time\n");
    library_status(house->library, &status);
    return status;
}

static inline struct library_status house_scan(struct house *house)
{
    return house_scan_with(house, (struct library_scan_options){0});
}

/* --- what the catalogue says --- */

struct found_track {
    bool is_there;
    struct catalog_id id, album, artist, art, folder;
    unsigned library;
    int64_t created_ms;
    char title[64], path[128], album_name[64], album_artist[64], artist_line[64];
};

static inline void copy_text(char *into, size_t size, struct text from)
{
    snprintf(into, size, "%.*s", TEXT_ARGS(from));
}

/* By title; the `nth` of that name, from 0. */
static inline struct found_track find_nth(struct house *house, const char *title, unsigned nth)
{
    struct found_track found = {0};
    struct catalog *catalog = library_catalog(house->library);
    struct catalog_view view = {catalog, CATALOG_ALL_LIBRARIES};
    uint32_t count = catalog_count(view, CATALOG_TRACK);
    for (uint32_t i = 0; i < count && !found.is_there; i++) {
        struct track_row row;
        struct album_row album;
        catalog_track(catalog, i, &row);
        if (!text_equal(row.title, text_of(title)) || nth--)
            continue;
        found = (struct found_track){.is_there = true,
                                     .id = row.id,
                                     .album = row.album,
                                     .folder = row.folder,
                                     .library = row.library,
                                     .created_ms = row.created_ms};
        if (row.credits.count)
            found.artist = catalog_credits_at(&row.credits, 0).artist;
        found.art = catalog_artwork(view, CATALOG_TRACK, i);
        catalog_album(catalog, row.album_number, &album);
        copy_text(found.title, sizeof found.title, row.title);
        copy_text(found.path, sizeof found.path, row.path);
        copy_text(found.album_name, sizeof found.album_name, album.name);
        copy_text(found.album_artist, sizeof found.album_artist, album.display_artist);
        copy_text(found.artist_line, sizeof found.artist_line, row.display_artist);
    }
    catalog_unref(&catalog);
    return found;
}

static inline struct found_track find(struct house *house, const char *title)
{
    return find_nth(house, title, 0);
}

static inline uint32_t count_of(struct house *house, enum catalog_kind kind)
{
    struct catalog *catalog = library_catalog(house->library);
    uint32_t count = catalog_count((struct catalog_view){catalog, CATALOG_ALL_LIBRARIES}, kind);
    catalog_unref(&catalog);
    return count;
}

static inline bool same(struct catalog_id a, struct catalog_id b)
{
    return catalog_id_equal(&a, &b) && !catalog_id_is_none(&a);
}
