// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/memory.h"
#include "catalog/search.h"
#include "tap.h"
#include "tsv.h"

/* usage: test_pairs LIBRARY.tsv PAIRS.tsv     each pair: kind, query, the name that must come first
 */

static enum search_kind kind_of(struct text name)
{
    return text_equal(name, TEXT("artist"))  ? SEARCH_ARTISTS
           : text_equal(name, TEXT("album")) ? SEARCH_ALBUMS
                                             : SEARCH_SONGS;
}

static struct text name_of(const struct catalog *catalog, enum search_kind kind, uint32_t number)
{
    struct artist_row artist;
    struct album_row album;
    struct track_row track;
    if (kind == SEARCH_ARTISTS)
        return catalog_artist(catalog, number, &artist), artist.name;
    if (kind == SEARCH_ALBUMS)
        return catalog_album(catalog, number, &album), album.name;
    return catalog_track(catalog, number, &track), track.title;
}

static void check(const struct catalog *catalog, struct text kind_name, struct text words,
                  struct text expected)
{
    uint32_t hit = 0;
    char claim[512];
    enum search_kind kind = kind_of(kind_name);
    struct search_query query = {.words = words};
    query.pages[kind] = (struct search_page){.max = 1, .ret = &hit};
    catalog_search((struct catalog_view){catalog, 1}, &query);
    (void)snprintf(claim, sizeof claim, "%.*s \"%.*s\" finds %.*s", TEXT_ARGS(kind_name),
                   TEXT_ARGS(words), TEXT_ARGS(expected));
    OK_TEXT(query.pages[kind].count ? name_of(catalog, kind, hit) : TEXT("(nothing)"), expected,
            claim);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct build *build = tsv_build(argv[1]);
    struct catalog *catalog = catalog_of_builds(&build, 1);
    FILE *file = fopen(argv[2], "re");
    char *line = NULL;
    size_t room = 0, pairs = 0;
    if (!catalog || !file)
        return 2;
    for (ssize_t size; (size = getline(&line, &room, file)) > 0; pairs++) {
        struct text rest = text_make(line, (size_t)size - 1), kind = TEXT_NONE, words = TEXT_NONE,
                    expected = TEXT_NONE;
        (void)text_split(&rest, '\t', &kind);
        (void)text_split(&rest, '\t', &words);
        (void)text_split(&rest, '\t', &expected);
        check(catalog, kind, words, expected);
    }
    OK(pairs >= 200, "there are at least 200 pairs");
    free(line);
    (void)fclose(file);
    catalog_unref(&catalog);
    return tap_done();
}
