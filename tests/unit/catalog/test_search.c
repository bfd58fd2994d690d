// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/search.h"
#include "base/buffer.h"
#include "catalog/match.h"
#include "catalog/edits.h"
#include "sample.h"
#include "tap.h"

/* A library of one album per artist, made of (artist, album, title) triples. */
static struct catalog *library_of(const char *const (*names)[3], uint32_t count)
{
    struct build *build = build_new(&(struct build_config){.library = 1, .number = 1});
    struct folder_row root = {.id = sample_id(CATALOG_FOLDER, 0), .name = TEXT("Music")};
    build_folder(build, &root);
    for (uint32_t i = 0; i < count; i++) {
        struct artist_row artist = {.id = sample_id(CATALOG_ARTIST, i),
                                    .name = text_of(names[i][0])};
        struct catalog_credit credit = {.artist = artist.id};
        struct album_row album = {.id = sample_id(CATALOG_ALBUM, i),
                                  .name = text_of(names[i][1]),
                                  .credits = {.items = &credit, .count = 1}};
        struct track_row track = {.id = sample_id(CATALOG_TRACK, i),
                                  .album = album.id,
                                  .folder = root.id,
                                  .title = text_of(names[i][2]),
                                  .credits = {.items = &credit, .count = 1}};
        build_artist(build, &artist);
        build_album(build, &album);
        build_track(build, &track);
    }
    return catalog_of_builds(&build, 1);
}

struct songs {
    uint32_t numbers[512];
    size_t count, total;
};

static struct songs songs_of(const struct catalog *catalog, const char *words, size_t offset,
                             size_t max, search_plays *plays)
{
    struct songs songs;
    struct search_query query = {.words = text_of(words), .plays = plays};
    query.pages[SEARCH_SONGS] =
        (struct search_page){.offset = offset, .max = max, .ret = songs.numbers};
    catalog_search((struct catalog_view){catalog, 1}, &query);
    songs.count = query.pages[SEARCH_SONGS].count;
    songs.total = query.pages[SEARCH_SONGS].total;
    return songs;
}

static void OK_titles(const struct catalog *catalog, const char *words, search_plays *plays,
                      const char *expected, const char *claim)
{
    struct songs songs = songs_of(catalog, words, 0, 512, plays);
    struct buffer titles;
    buffer_init(&titles, 65536);
    for (size_t i = 0; i < songs.count; i++) {
        struct track_row row;
        catalog_track(catalog, songs.numbers[i], &row);
        buffer_printf(&titles, "%s%.*s", i ? " | " : "", TEXT_ARGS(row.title));
    }
    OK_TEXT(buffer_view(&titles), text_of(expected), claim);
    buffer_release(&titles);
}

static uint32_t zebra_plays(void *context, enum catalog_kind kind, const struct catalog_id *id)
{
    struct catalog_id zebra = sample_id(CATALOG_TRACK, 3), aardvark = sample_id(CATALOG_TRACK, 1);
    (void)context, (void)kind;
    return catalog_id_equal(id, &zebra) ? 9 : catalog_id_equal(id, &aardvark) ? 2 : 0;
}

static void best_come_first(void)
{
    static const char *const names[][3] = {
        {"Aa", "Ab", "Silver Moon"}, {"Ba", "Bb", "Aardvark Moonlight"},
        {"Ca", "Cb", "Moon"},        {"Da", "Db", "Zebra Moon"},
        {"Ea", "Eb", "Moonlight"},   {"Fa", "Fb", "Honeymoon"},
        {"Ga", "Gb", "Moon River"},  {"Ha", "Moon", "Other"},
        {"Ia", "Ib", "Mooon"},       {"Ja", "Jb", "The Moon"},
        {"Ka", "Kb", "Blue"},
    };
    struct catalog *catalog = library_of(names, ARRAY_SIZE(names));
    OK_titles(catalog, "moon", NULL,
              "Moon | The Moon | Moon River | Moonlight | Silver Moon | Zebra Moon | Other | "
              "Aardvark Moonlight | Honeymoon",
              "whole, begins, begins a letter run, word, album's word, start, inside; no slips "
              "while ten are found");
    OK_titles(catalog, "moon", zebra_plays,
              "Moon | The Moon | Moon River | Moonlight | Zebra Moon | Silver Moon | Other | "
              "Aardvark Moonlight | Honeymoon",
              "plays decide among equals only");
    OK_titles(catalog, "MOON RIV", NULL, "Moon River",
              "every word must be there, the last may be half typed");
    OK_titles(catalog, "honey moon", NULL, "Honeymoon", "two words may be one in the name");
    OK_titles(catalog, "blu", NULL, "Blue", "three letters begin a word");
    OK_titles(catalog, "bleu", NULL, "Blue", "neighbours swapped are one slip");
    OK_titles(catalog, "xyzzy", NULL, "", "nothing is an answer");
    catalog_unref(&catalog);
}

static void pages_fit_together(void)
{
    struct sample sample;
    sample_make(&sample, 3, 400);
    struct build *build = sample_build(&sample, 1, 1);
    struct catalog *catalog = catalog_of_builds(&build, 1);
    static const char *const queries[] = {"love", "the night", "", "live", "夜", "ночь", "lvoe"};
    bool same = true;
    for (size_t q = 0; q < ARRAY_SIZE(queries); q++) {
        struct songs all = songs_of(catalog, queries[q], 0, 512, NULL);
        same = same && all.count == all.total && all.total > 0;
        for (size_t offset = 0; offset < all.count + 9; offset += 7) {
            struct songs page = songs_of(catalog, queries[q], offset, 7, NULL);
            size_t expected = offset >= all.count      ? 0
                              : all.count - offset < 7 ? all.count - offset
                                                       : 7;
            same = same && page.count == expected && page.total == all.total &&
                   memcmp(page.numbers, all.numbers + (expected ? offset : 0),
                          expected * sizeof *page.numbers) == 0;
        }
    }
    OK(same, "pages of seven are the list in pieces, and beyond its end there is nothing");
    OK(songs_of(catalog, "", 0, 512, NULL).total == 400, "the empty query finds everything");
    OK(songs_of(catalog, "\"\"", 0, 1, NULL).total == 400, "so do two quotes");
    catalog_unref(&catalog);
    sample_free(&sample);
}

static bool contains(const struct songs *songs, uint32_t number)
{
    for (size_t i = 0; i < songs->count; i++)
        if (songs->numbers[i] == number)
            return true;
    return false;
}

static void words_intersect(void)
{
    struct sample sample;
    sample_make(&sample, 8, 500);
    struct build *builds[3] = {NULL};
    for (uint32_t i = 0; i < 3; i++) { /* in three parts, so that rows and numbers differ */
        builds[i] = build_new(&(struct build_config){.library = 1, .number = i});
        sample_give(&sample, builds[i], i * 150, i * 150 + 200);
    }
    struct catalog *catalog = catalog_of_builds(builds, 3);
    static const char *const pairs[][2] = {
        {"love", "blue"}, {"night", "the"}, {"moo", "liv"}, {"夜", "of"}};
    bool same = true;
    for (size_t p = 0; p < ARRAY_SIZE(pairs); p++) {
        char both[64];
        (void)snprintf(both, sizeof both, "%s %s", pairs[p][0], pairs[p][1]);
        struct songs a = songs_of(catalog, pairs[p][0], 0, 512, NULL),
                     b = songs_of(catalog, pairs[p][1], 0, 512, NULL);
        struct songs c = songs_of(catalog, both, 0, 512, NULL);
        for (uint32_t track = 0; track < 500; track++)
            same = same && (contains(&a, track) && contains(&b, track)) == contains(&c, track);
    }
    OK(same, "two words find what both find");
    catalog_unref(&catalog);
    sample_free(&sample);
}

/* More tracks with every word than are "few": the marks of all words meet sixteen at a time. */
static void many_hits(void)
{
    enum { MANY = 20000 };
    struct build *build = build_new(&(struct build_config){.library = 1, .number = 1});
    struct folder_row root = {.id = sample_id(CATALOG_FOLDER, 0), .name = TEXT("Music")};
    struct album_row album = {.id = sample_id(CATALOG_ALBUM, 0), .name = TEXT("All")};
    build_folder(build, &root);
    build_album(build, &album);
    for (uint32_t i = 0; i < MANY; i++) {
        char title[64];
        int size =
            snprintf(title, sizeof title, i % 2 ? "Night of Love %u" : "Love at Night %u", i);
        build_track(build, &(struct track_row){.id = sample_id(CATALOG_TRACK, i),
                                               .album = album.id,
                                               .folder = root.id,
                                               .title = text_make(title, (size_t)size)});
    }
    struct catalog *catalog = catalog_of_builds(&build, 1);
    struct songs hits = songs_of(catalog, "night love", 0, 5, NULL);
    struct track_row row;
    catalog_track(catalog, hits.numbers[0], &row);
    OK(hits.total == MANY && hits.count == 5,
       "twenty thousand songs with two common words are all found");
    OK(songs_of(catalog, "night love 77", 0, 5, NULL).total > 0 &&
           songs_of(catalog, "love night at", 0, 5, NULL).total == MANY / 2,
       "a third word leaves those that have it");
    OK(songs_of(catalog, "night of", 0, 5, NULL).total == MANY / 2,
       "the other half begins otherwise");
    catalog_unref(&catalog);
}

static void rights_hide(void)
{
    struct sample sample;
    sample_make(&sample, 6, 100);
    struct build *builds[2] = {NULL};
    for (uint8_t i = 0; i < 2; i++) {
        builds[i] = build_new(&(struct build_config){.library = (uint8_t)(i + 1), .number = 1});
        sample_give(&sample, builds[i], i * 50U, i * 50U + 50);
    }
    struct catalog *catalog = catalog_of_builds(builds, 2);
    size_t total[4];
    for (uint32_t libraries = 0; libraries < 4; libraries++) {
        struct search_query query = {.words = TEXT("love")};
        catalog_search((struct catalog_view){catalog, libraries}, &query);
        total[libraries] = query.pages[SEARCH_SONGS].total;
    }
    OK(total[0] == 0 && total[1] > 0 && total[2] > 0 && total[1] + total[2] == total[3],
       "songs of other libraries are not found");
    catalog_unref(&catalog);
    sample_free(&sample);
}

static bool near(const char *a, const char *b, unsigned max)
{
    struct edits_word x, y;
    edits_read(&x, text_of(a));
    edits_read(&y, text_of(b));
    return edits_near(&x, &y, max) && edits_near(&y, &x, max);
}

static void slips_are_counted(void)
{
    OK(near("love", "lvoe", 1) && near("love", "loves", 1) && near("love", "lov", 1) &&
           near("love", "lave", 1),
       "one slip of each kind");
    OK(!near("love", "lvoes", 1) && near("love", "lvoes", 2) && !near("abcd", "wxyz", 2),
       "two slips are not one");
    OK(near("ночь", "носьь", 2) && near("ночь", "нчоь", 1), "letters are characters, not bytes");
    OK(!near("", "", 2), "nothing is near to nothing");
}

static void scans_find(void)
{
    char hay[200];
    bool same = true;
    memset(hay, 'a', sizeof hay);
    for (size_t at = 0; at + 3 <= sizeof hay; at++) {
        memcpy(hay + at, "xyz", 3);
        same = same && match_scan(text_make(hay, sizeof hay), 0, TEXT("xyz")) == at &&
               match_scan(text_make(hay, sizeof hay), at + 1, TEXT("xyz")) == sizeof hay &&
               match_scan(text_make(hay, at + 2), 0, TEXT("xyz")) == at + 2;
        memset(hay, 'a', sizeof hay);
    }
    OK(same, "the vector scan finds a word at any offset, and none that is cut");
    OK(match_scan(TEXT("ab"), 0, TEXT("abc")) == 2, "a needle longer than the hay is not there");
}

int main(void)
{
    best_come_first();
    pages_fit_together();
    words_intersect();
    many_hits();
    rights_hide();
    slips_are_counted();
    scans_find();
    return tap_done();
}
