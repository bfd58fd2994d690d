// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog_rows.h"
#include "base/hash.h"
#include "base/mem.h"
#include "catalog/utf8.h"
#include <math.h>

enum { VOCABULARY = 60000, TRACKS_PER_ALBUM = 10, ALBUMS_PER_3_ARTISTS = 10 };

struct rows_sample {
    struct arena *arena;
    uint32_t tracks, albums, artists;
    struct text words[VOCABULARY];
    struct text *titles, *album_names, *artist_names;
    uint32_t *album_artist;
};

static uint64_t next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    return hash_mix(*state);
}

static uint32_t below(uint64_t *state, uint32_t limit) { return (uint32_t)(next(state) % limit); }

/* Rank r with a chance proportional to 1 / r. */
static uint32_t zipf(uint64_t *state, uint32_t limit)
{
    double unit = (double)(next(state) >> 11) / 9007199254740992.0;
    uint32_t rank = (uint32_t)exp(unit * log((double)limit));
    return rank < limit ? rank : limit - 1;
}

static struct text make_word(struct rows_sample *rows, uint64_t *state, uint32_t rank)
{
    static const char *const latin[] = {"ba",  "re",  "lo",  "mi",  "ta", "sun", "den", "ker", "vo",
                                        "li",  "ra",  "ne",  "sto", "an", "el",  "or",  "ti",  "fa",
                                        "gra", "bel", "mon", "che", "ly", "wa",  "no",  "pi"};
    static const char *const accented[] = {"é", "ö", "ñ", "ár", "ü", "ç", "ø", "łó", "ša", "ê"};
    static const char *const cyrillic[] = {"ма", "но",  "ла", "ре", "ти",
                                           "во", "сне", "го", "ра", "ли"};
    static const char *const japanese[] = {"東", "京", "夜", "月", "花",
                                           "の", "雨", "ト", "恋", "空"};
    uint32_t script = below(state, 100),
             syllables = 1 + below(state, 2) + (rank > 200) + (rank > 10000);
    struct text word = TEXT("");
    for (uint32_t i = 0; i < syllables; i++) {
        const char *part = script < 2              ? cyrillic[below(state, 10)]
                           : script < 4            ? japanese[below(state, 10)]
                           : script < 12 && i == 1 ? accented[below(state, 10)]
                                                   : latin[below(state, ARRAY_SIZE(latin))];
        word = arena_printf(rows->arena, "%.*s%s", TEXT_ARGS(word), part);
    }
    return word;
}

static struct text make_name(struct rows_sample *rows, uint64_t *state, uint32_t most_words)
{
    struct text name = TEXT("");
    char line[256];
    size_t size = 0;
    for (uint32_t count = 1 + below(state, most_words); count > 0; count--) {
        struct text word = rows->words[zipf(state, VOCABULARY)];
        if (size + word.size + 2 > sizeof line)
            break;
        if (size)
            line[size++] = ' ';
        memcpy(line + size, word.data, word.size);
        if (line[size] >= 'a' && line[size] <= 'z')
            line[size] = (char)(line[size] - 32);
        size += word.size;
    }
    name = arena_text(rows->arena, text_make(line, size));
    return name;
}

struct rows_sample *rows_new(uint64_t seed, uint32_t tracks)
{
    struct rows_sample *rows = MEM_NEW(struct rows_sample);
    uint64_t state = seed;
    rows->arena = arena_new((size_t)1 << 30);
    rows->tracks = tracks;
    rows->albums = (tracks + TRACKS_PER_ALBUM - 1) / TRACKS_PER_ALBUM;
    rows->artists = rows->albums * 3 / ALBUMS_PER_3_ARTISTS + 1;
    rows->titles = mem_alloc(rows->tracks * sizeof *rows->titles);
    rows->album_names = mem_alloc(rows->albums * sizeof *rows->album_names);
    rows->artist_names = mem_alloc(rows->artists * sizeof *rows->artist_names);
    rows->album_artist = mem_alloc(rows->albums * sizeof *rows->album_artist);
    for (uint32_t i = 0; i < VOCABULARY; i++)
        rows->words[i] = make_word(rows, &state, i);
    for (uint32_t i = 0; i < rows->artists; i++)
        rows->artist_names[i] = make_name(rows, &state, 3);
    for (uint32_t i = 0; i < rows->albums; i++) {
        rows->album_names[i] = make_name(rows, &state, 4);
        rows->album_artist[i] = i < rows->artists ? i : zipf(&state, rows->artists);
    }
    for (uint32_t i = 0; i < rows->tracks; i++)
        rows->titles[i] = make_name(rows, &state, 6);
    return rows;
}

void rows_free(struct rows_sample **rows)
{
    arena_free(&(*rows)->arena);
    mem_free((*rows)->titles), mem_free((*rows)->album_names), mem_free((*rows)->artist_names);
    mem_free((*rows)->album_artist);
    mem_free_p(rows);
}

uint32_t rows_tracks(const struct rows_sample *rows) { return rows->tracks; }
uint32_t rows_albums(const struct rows_sample *rows) { return rows->albums; }

static struct catalog_id id_of(uint64_t kind, uint32_t number)
{
    struct catalog_id id;
    uint64_t halves[2] = {hash_mix(kind << 32 | number), hash_mix(kind << 40 ^ number)};
    memcpy(id.bytes, halves, sizeof id.bytes);
    return id;
}

struct catalog_id rows_track_id(uint32_t track) { return id_of(1, track); }
struct catalog_id rows_album_id(uint32_t album) { return id_of(2, album); }

struct rows_track rows_track(const struct rows_sample *rows, uint32_t track)
{
    uint32_t album = track / TRACKS_PER_ALBUM, artist = rows->album_artist[album];
    if (track % 37 == 0) /* a guest */
        artist = (artist + track) % rows->artists;
    return (struct rows_track){rows->titles[track],
                               rows->album_names[album],
                               rows->artist_names[artist],
                               album,
                               artist,
                               track % TRACKS_PER_ALBUM + 1,
                               (uint16_t)(1950 + album % 75)};
}

static void give_track(const struct rows_sample *rows, struct build *build, uint32_t i,
                       uint32_t times_retagged)
{
    static const char *const genres[] = {"Rock",       "Pop",  "Jazz",  "Classical",
                                         "Electronic", "Folk", "Metal", "Hip-Hop"};
    struct rows_track track = rows_track(rows, i);
    struct catalog_credit credit = {.artist = id_of(3, track.artist_number)};
    struct text genre = text_of(genres[track.album_number % ARRAY_SIZE(genres)]);
    char path[600];
    char title[300];
    int size = snprintf(path, sizeof path, "%.*s/%.*s/%02u %.*s.flac", TEXT_ARGS(track.artist),
                        TEXT_ARGS(track.album), track.number, TEXT_ARGS(track.title));
    int title_size =
        snprintf(title, sizeof title, "%.*s (%u)", TEXT_ARGS(track.title), times_retagged);
    build_track(build,
                &(struct track_row){
                    .id = rows_track_id(i),
                    .album = rows_album_id(track.album_number),
                    .folder = id_of(4, track.album_number),
                    .title = times_retagged ? text_make(title, (size_t)title_size) : track.title,
                    .display_artist = track.artist,
                    .credits = {.items = &credit, .count = 1},
                    .genres = {.items = &genre, .count = 1},
                    .track_number = (uint16_t)track.number,
                    .disc_number = 1,
                    .year = track.year,
                    .duration_ms = 120000 + i % 240000,
                    .bit_rate_kbps = 900,
                    .sampling_rate_hz = 44100,
                    .bit_depth = 16,
                    .channels = 2,
                    .size_bytes = 20000000 + i,
                    .version = i + ((uint64_t)times_retagged << 32),
                    .created_ms = 1600000000000 + i,
                    .modified_ms = 1600000000000 + i,
                    .path = text_make(path, (size_t)size),
                    .suffix = TEXT("flac"),
                    .content_type = TEXT("audio/flac"),
                });
}

static void give_root(struct build *build)
{
    build_folder(build, &(struct folder_row){.id = id_of(5, 0), .name = TEXT("Music")});
}

static void give_artist(const struct rows_sample *rows, struct build *build, uint32_t i)
{
    build_artist(build, &(struct artist_row){.id = id_of(3, i), .name = rows->artist_names[i]});
}

static void give_album(const struct rows_sample *rows, struct build *build, uint32_t i)
{
    struct catalog_credit credit = {.artist = id_of(3, rows->album_artist[i]),
                                    .role = CATALOG_ROLE_ALBUM_ARTIST};
    struct text artist = rows->artist_names[rows->album_artist[i]];
    build_folder(build, &(struct folder_row){.id = id_of(4, i),
                                             .parent = id_of(5, 0),
                                             .name = rows->album_names[i]});
    build_album(
        build, &(struct album_row){.id = rows_album_id(i),
                                   .name = rows->album_names[i],
                                   .display_artist = artist,
                                   .credits = {.items = &credit, .count = 1},
                                   .artwork = id_of(6, i),
                                   .year = (uint16_t)(1950 + i % 75),
                                   .created_ms = 1600000000000 + (int64_t)hash_mix(i) % 100000000});
}

void rows_give(const struct rows_sample *rows, struct build *build)
{
    give_root(build);
    for (uint32_t i = 0; i < rows->artists; i++)
        give_artist(rows, build, i);
    for (uint32_t i = 0; i < rows->albums; i++)
        give_album(rows, build, i);
    for (uint32_t i = 0; i < rows->tracks; i++)
        give_track(rows, build, i, 0);
}

void rows_give_album(const struct rows_sample *rows, struct build *build, uint32_t album,
                     uint32_t times_retagged)
{
    uint32_t first = album * TRACKS_PER_ALBUM;
    give_root(build);
    give_artist(rows, build, rows->album_artist[album]);
    give_album(rows, build, album);
    for (uint32_t i = first; i < first + TRACKS_PER_ALBUM && i < rows->tracks; i++) {
        give_artist(rows, build, rows_track(rows, i).artist_number);
        give_track(rows, build, i, times_retagged);
    }
}

/* --- queries --- */

static struct text first_letters(struct text word, size_t letters)
{
    size_t at = 0;
    while (at < word.size && letters-- > 0)
        utf8_next(word, &at);
    return text_make(word.data, at);
}

/* Drops or doubles a letter, somewhere behind the first. */
static void put_slip(char out[256], struct text word, uint64_t *state)
{
    size_t at = word.size > 2 ? 1 + below(state, (uint32_t)word.size - 1) : word.size;
    bool drops = below(state, 2);
    (void)snprintf(out, 256, "%.*s%.*s", (int)at, word.data, (int)(word.size - at + !drops),
                   word.data + at - !drops + (drops && at < word.size));
    if (drops && at < word.size)
        out[word.size - 1] = 0;
}

static struct text some_word(struct text name, uint64_t *state)
{
    struct text word = TEXT_NONE, rest = name;
    for (uint32_t stop = below(state, 3) + 1; stop > 0 && text_split(&rest, ' ', &word);)
        stop--;
    return word;
}

const char *rows_query(const struct rows_sample *rows, uint64_t seed, unsigned kind, char out[256])
{
    static const char *const names[ROWS_QUERY_KINDS] = {
        "artist",      "title",     "album", "artist + title word", "word being typed",
        "common word", "rare word", "typo",  "inside a word",       "two words being typed"};
    uint64_t state = hash_mix(seed + 12345);
    struct rows_track track = rows_track(rows, below(&state, rows->tracks));
    struct text word = some_word(track.title, &state),
                rare = rows->words[VOCABULARY / 2 + below(&state, VOCABULARY / 2)];
    struct text other = some_word(track.artist, &state);
    switch (kind % ROWS_QUERY_KINDS) {
    case 0:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(track.artist));
        break;
    case 1:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(track.title));
        break;
    case 2:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(track.album));
        break;
    case 3:
        (void)snprintf(out, 256, "%.*s %.*s", TEXT_ARGS(track.artist), TEXT_ARGS(word));
        break;
    case 4:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(first_letters(word, 2 + below(&state, 3))));
        break;
    case 5:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(rows->words[zipf(&state, 200)]));
        break;
    case 6:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(rare));
        break;
    case 7:
        put_slip(out, rare, &state);
        break;
    case 8:
        (void)snprintf(out, 256, "%.*s", TEXT_ARGS(text_from(word, word.size > 4 ? 1 : 0)));
        break;
    default:
        (void)snprintf(out, 256, "%.*s %.*s", TEXT_ARGS(other),
                       TEXT_ARGS(first_letters(word, 1 + below(&state, 3))));
    }
    return names[kind % ROWS_QUERY_KINDS];
}
