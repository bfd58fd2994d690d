// SPDX-License-Identifier: GPL-3.0-or-later
#include "api_library.h"

#include "base/hash.h"
#include "base/mem.h"
#include "catalog/depot.h"
#include "library/library.h"

#include <assert.h>
#include <errno.h>

enum { TRACKS_PER_ALBUM = 10, ALBUMS_PER_ARTIST = 4, GENRES = 20, WORDS = 4000 };

struct library {
    struct catalog *catalog;
};

/* --- names --- */

static const char *syllable(uint64_t number)
{
    static const char *const syllables[] = {"ba",  "cor", "del", "fi",  "gra", "hum", "in",  "jo",
                                            "ka",  "lu",  "mer", "no",  "or",  "pia", "qui", "ro",
                                            "sal", "to",  "un",  "vel", "wa",  "xe",  "yo",  "zen"};
    return syllables[number % ARRAY_SIZE(syllables)];
}

/* `words` words, some much more frequent than others. */
static struct text name_of(char storage[96], const char *kind, uint32_t number, unsigned words)
{
    size_t size = 0;
    for (unsigned i = 0; i < words; i++) {
        uint64_t draw = hash_mix(number * UINT64_C(31) + i * UINT64_C(7919) + (uint8_t)kind[0]);
        uint64_t word = hash_mix((draw % WORDS) * (draw >> 32 & 1023) / 1024);
        size += (size_t)snprintf(storage + size, 96 - size, "%s%s%s%s", i ? " " : "",
                                 syllable(word), syllable(word >> 8), syllable(word >> 16));
    }
    return text_make(storage, size < 95 ? size : 95);
}

static struct catalog_id id_of(const char *kind, uint32_t number)
{
    struct catalog_id id;
    uint64_t parts[2] = {hash_mix(number * UINT64_C(4) + (uint8_t)kind[1]),
                         hash_mix(number + UINT64_C(1))};
    memcpy(id.bytes, parts, sizeof(id.bytes));
    return id;
}

void api_library_id(const char *kind, uint32_t number, char ret_text[28])
{
    struct catalog_id id = id_of(kind, number);
    struct catalog_id_text storage;
    enum catalog_kind of = kind[0] == 't'   ? CATALOG_TRACK
                           : kind[1] == 'l' ? CATALOG_ALBUM
                           : kind[0] == 'f' ? CATALOG_FOLDER
                                            : CATALOG_ARTIST;
    struct text t = catalog_id_print(&storage, of, &id);
    memcpy(ret_text, t.data, t.size + 1);
}

/* --- rows --- */

static void add_artist(struct build *build, uint32_t number)
{
    char name[96];
    build_artist(build, &(struct artist_row){.id = id_of("ar", number),
                                             .name = name_of(name, "r", number, 2)});
    build_folder(build, &(struct folder_row){.id = id_of("fo", 1 + 2 * number),
                                             .parent = id_of("fo", 0),
                                             .name = name_of(name, "r", number, 2)});
}

static void add_album(struct build *build, uint32_t number)
{
    char name[96], artist_name[96], genre[24];
    uint32_t artist = number / ALBUMS_PER_ARTIST;
    struct catalog_credit credit = {.artist = id_of("ar", artist),
                                    .role = CATALOG_ROLE_ALBUM_ARTIST};
    struct text genre_text =
        text_make(genre, (size_t)snprintf(genre, sizeof(genre), "Genre %u", artist % GENRES));
    build_folder(build, &(struct folder_row){.id = id_of("fo", 2 + 2 * number),
                                             .parent = id_of("fo", 1 + 2 * artist),
                                             .name = name_of(name, "l", number, 3)});
    build_album(build, &(struct album_row){.id = id_of("al", number),
                                           .artwork = id_of("at", number),
                                           .name = name_of(name, "l", number, 3),
                                           .display_artist = name_of(artist_name, "r", artist, 2),
                                           .credits = {.items = &credit, .count = 1},
                                           .genres = {.items = &genre_text, .count = 1},
                                           .year = (uint16_t)(1960 + number % 60),
                                           .created_ms = 1600000000000 + number * 1000LL});
}

static void add_track(struct build *build, uint32_t number)
{
    char title[96], artist_name[96], path[240], genre[24];
    uint32_t album = number / TRACKS_PER_ALBUM, artist = album / ALBUMS_PER_ARTIST;
    struct catalog_credit credit = {.artist = id_of("ar", artist), .role = CATALOG_ROLE_ARTIST};
    struct text genre_text =
        text_make(genre, (size_t)snprintf(genre, sizeof(genre), "Genre %u", artist % GENRES));
    struct text title_text = name_of(title, "t", number, 3);
    struct text artist_text = name_of(artist_name, "r", artist, 2);
    size_t path_size = (size_t)snprintf(path, sizeof(path), "%.*s/album %u/%.*s.flac",
                                        TEXT_ARGS(artist_text), album, TEXT_ARGS(title_text));
    build_track(build,
                &(struct track_row){.id = id_of("tr", number),
                                    .album = id_of("al", album),
                                    .folder = id_of("fo", 2 + 2 * album),
                                    .title = title_text,
                                    .display_artist = artist_text,
                                    .credits = {.items = &credit, .count = 1},
                                    .genres = {.items = &genre_text, .count = 1},
                                    .track_number = (uint16_t)(1 + number % TRACKS_PER_ALBUM),
                                    .disc_number = 1,
                                    .year = (uint16_t)(1960 + album % 60),
                                    .duration_ms = 180000 + number % 100000,
                                    .bit_rate_kbps = 900,
                                    .sampling_rate_hz = 44100,
                                    .bit_depth = 16,
                                    .channels = 2,
                                    .size_bytes = 20000000 + number,
                                    .created_ms = 1600000000000 + album * 1000LL,
                                    .path = text_make(path, path_size),
                                    .suffix = TEXT("flac"),
                                    .content_type = TEXT("audio/flac")});
}

struct library *api_library_new(const char *folder, uint32_t tracks)
{
    struct depot *depot;
    char why[256];
    int error = depot_open(&(struct depot_config){.folder = folder, .library = 1}, &depot, why);
    assert(!error);
    struct build *build = depot_begin(depot);
    uint32_t albums = (tracks + TRACKS_PER_ALBUM - 1) / TRACKS_PER_ALBUM;
    build_folder(build, &(struct folder_row){.id = id_of("fo", 0), .name = TEXT("Music")});
    for (uint32_t i = 0; i < (albums + ALBUMS_PER_ARTIST - 1) / ALBUMS_PER_ARTIST; i++)
        add_artist(build, i);
    for (uint32_t i = 0; i < albums; i++)
        add_album(build, i);
    for (uint32_t i = 0; i < tracks; i++)
        add_track(build, i);
    error = depot_commit(depot, &build);
    assert(!error);
    struct library *library = MEM_NEW(struct library);
    library->catalog = depot_snapshot(&depot, 1);
    depot_close(&depot);
    return library;
}

void api_library_free(struct library **library)
{
    if (*library)
        catalog_unref(&(*library)->catalog);
    mem_free_p(library);
}

/* --- library/library.h --- */

struct catalog *library_catalog(struct library *library) { return catalog_ref(library->catalog); }

const struct shelf *library_shelf(const struct library *library, int32_t root)
{
    (void)library;
    (void)root;
    return NULL;
}

void library_status(struct library *library, struct library_status *ret)
{
    (void)library;
    *ret =
        (struct library_status){.phase = LIBRARY_IDLE, .finished_ms = 1700000000000, .version = 1};
}

const char *library_phase_name(enum library_phase phase)
{
    (void)phase;
    return "idle";
}

void library_scan(struct library *library, struct library_scan_options options)
{
    (void)library;
    (void)options;
}

void library_report(struct library *library, library_on_problem *on_problem, void *context)
{
    (void)library;
    (void)on_problem;
    (void)context;
}

void library_subscribe(struct library *library, struct library_subscriber *subscriber)
{
    (void)library;
    (void)subscriber;
}

void library_unsubscribe(struct library *library, struct library_subscriber *subscriber)
{
    (void)library;
    (void)subscriber;
}

int library_open_track(struct library *library, const uint8_t track_id[16],
                       struct library_file *ret)
{
    (void)library;
    (void)track_id;
    (void)ret;
    return -ENOENT;
}

int library_open_place(struct library *library, int32_t root, struct text path,
                       struct library_file *ret)
{
    (void)library;
    (void)root;
    (void)path;
    (void)ret;
    return -ENOENT;
}

bool library_digest(struct library *library, const uint8_t track_id[16], uint64_t version,
                    int64_t changed_ns, uint8_t ret_sha256[LIBRARY_SHA256_BYTES])
{
    (void)library;
    (void)track_id;
    (void)version;
    (void)changed_ns;
    (void)ret_sha256;
    return false;
}

void library_want_digest(struct library *library, const uint8_t track_id[16])
{
    (void)library;
    (void)track_id;
}

int library_open_artwork(struct library *library, const uint8_t digest[16], uint32_t size_px,
                         enum library_art_format format, struct library_art *ret)
{
    (void)library;
    (void)digest;
    (void)size_px;
    (void)format;
    (void)ret;
    return -ENOENT;
}

int library_open_artwork_cached(struct library *library, const uint8_t digest[16], uint32_t size_px,
                                enum library_art_format format, struct library_art *ret)
{
    return library_open_artwork(library, digest, size_px, format, ret);
}

int library_read_lyrics(struct library *library, const uint8_t track_id[16], struct arena *arena,
                        const struct library_lyrics **ret_lyrics, size_t *ret_count)
{
    (void)library;
    (void)track_id;
    (void)arena;
    (void)ret_lyrics;
    *ret_count = 0;
    return 0;
}
