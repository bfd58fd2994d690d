// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/grouping.h"
#include "library/rows.h"
#include "tap.h"
#include <string.h>

enum { MAX_TAGS = 12 };

struct song {
    struct media_tag tags[MAX_TAGS];
    struct media_info info;
};

/* Pairs of kind and value, ended by 0. */
static struct media_info *song(struct song *song, const struct media_tag *tags)
{
    *song = (struct song){0};
    for (; tags->kind; tags++)
        song->tags[song->info.tag_count++] = *tags;
    song->info.tags = song->tags;
    song->info.codec = MEDIA_CODEC_FLAC;
    return &song->info;
}
#define SONG(storage, ...) song((storage), (const struct media_tag[]){__VA_ARGS__, {0}})
#define TAG(id, words)                                    \
    {                                                     \
        .kind = MEDIA_TAG_##id, .value = TEXT_INIT(words) \
    }

static bool same_album(const struct media_info *a, const char *folder_a, const struct media_info *b,
                       const char *folder_b)
{
    struct album_key x, y;
    grouping_album(a, 1, text_of(folder_a), &x);
    grouping_album(b, 1, text_of(folder_b), &y);
    return memcmp(x.key.bytes, y.key.bytes, sizeof x.key.bytes) == 0;
}

static void test_albums(void)
{
    struct song a, b;
    SONG(&a, TAG(ALBUM, "Greatest"), TAG(ALBUM_ARTIST, "Queen"), TAG(ARTIST, "Queen"));
    SONG(&b, TAG(ALBUM, "GREATEST"), TAG(ALBUM_ARTIST, "Queen "), TAG(ARTIST, "Queen feat. X"));
    OK(same_album(&a.info, "q", &b.info, "q"), "case and spaces make no other album");
    OK(same_album(&a.info, "q/CD1", &b.info, "q/Disc 2"), "disc folders belong together");
    OK(same_album(&a.info, "q (CD 1)", &b.info, "q (CD 2)"), "as a part of the name, too");
    OK(!same_album(&a.info, "q 1981", &b.info, "q 2011"),
       "the same album in another folder is another edition");
    SONG(&a, TAG(ALBUM, "G"), TAG(ALBUM_ARTIST, "Q"), TAG(RELEASE_DATE, "1981"));
    SONG(&b, TAG(ALBUM, "G"), TAG(ALBUM_ARTIST, "Q"), TAG(RELEASE_DATE, "1981"));
    OK(same_album(&a.info, "x", &b.info, "y"), "unless a release date says that it is the same");
    SONG(&b, TAG(ALBUM, "G"), TAG(ALBUM_ARTIST, "Q"), TAG(RELEASE_DATE, "2011"));
    OK(!same_album(&a.info, "x", &b.info, "x"), "or that it is not");
    SONG(&a, TAG(ALBUM, "One"), TAG(MB_ALBUM, "0b30341b-b59d-4979-8130-b66c0e475321"));
    SONG(&b, TAG(ALBUM, "Two"), TAG(MB_ALBUM, "0b30341b-b59d-4979-8130-b66c0e475321"));
    OK(same_album(&a.info, "x", &b.info, "y"), "a MusicBrainz id overrules names and folders");
    SONG(&a, TAG(ALBUM, "Hits"), TAG(ARTIST, "A"));
    SONG(&b, TAG(ALBUM, "Hits"), TAG(ARTIST, "B"));
    OK(same_album(&a.info, "mix", &b.info, "mix"),
       "without album artist, what lies together is one album");
    OK(!same_album(&a.info, "a", &b.info, "b"), "and what lies apart is not");
    SONG(&a, TAG(TITLE, "x"));
    SONG(&b, TAG(TITLE, "y"));
    OK(same_album(&a.info, "loose", &b.info, "loose/CD1"),
       "files without album are their folder's");
    struct album_key one, two;
    grouping_album(&a.info, 1, TEXT("loose"), &one);
    grouping_album(&a.info, 2, TEXT("loose"), &two);
    OK(memcmp(one.key.bytes, two.key.bytes, sizeof one.key.bytes) != 0,
       "each library has albums of its own");
}

static void test_credits(void)
{
    struct song s;
    struct credit credits[GROUPING_MAX_CREDITS];
    size_t count =
        grouping_credits(SONG(&s, TAG(ARTIST, "A feat. B"), TAG(COMPOSER, "C")), credits);
    OK(count == 3 && text_equal(credits[0].name, TEXT("A")) &&
           text_equal(credits[1].name, TEXT("B")),
       "a guest is taken off a single artist line");
    OK(credits[2].role == CATALOG_ROLE_COMPOSER, "and composers follow");
    count = grouping_credits(SONG(&s, TAG(ARTIST, "A (feat. B)")), credits);
    OK(count == 2 && text_equal(credits[1].name, TEXT("B")), "in brackets, too");
    count = grouping_credits(SONG(&s, TAG(ARTIST, "A feat. B"), TAG(ARTIST, "C")), credits);
    OK(count == 2 && text_equal(credits[0].name, TEXT("A feat. B")),
       "but several values are taken at their word");
    count = grouping_credits(
        SONG(&s, TAG(ARTIST, "A"), TAG(ARTIST, "B"), TAG(MB_ARTIST, "1"), TAG(MB_ARTIST, "2")),
        credits);
    OK(count == 2 && text_equal(credits[1].mbid, TEXT("2")),
       "MusicBrainz ids go with names by position");
    count = grouping_credits(SONG(&s, TAG(ARTIST, "A"), TAG(ARTIST, "B"), TAG(MB_ARTIST, "1")),
                             credits);
    OK(count == 2 && credits[0].mbid.size == 0, "unless their numbers differ");
    count = grouping_credits(SONG(&s, TAG(ALBUM_ARTIST, "Z")), credits);
    OK(count == 2 && credits[0].role == CATALOG_ROLE_ARTIST &&
           text_equal(credits[0].name, TEXT("Z")),
       "an album artist alone is the artist, too");
    count = grouping_credits(SONG(&s, TAG(TITLE, "t")), credits);
    OK(count == 1 && text_equal(credits[0].name, TEXT("[Unknown Artist]")),
       "nobody has a name as well");
    struct credit one[GROUPING_MAX_CREDITS], two[GROUPING_MAX_CREDITS];
    struct song t;
    grouping_credits(SONG(&s, TAG(ARTIST, "Bj\xc3\xb6rk")), one);
    grouping_credits(SONG(&t, TAG(ARTIST, "BJORK")), two);
    OK(memcmp(&one[0].key, &two[0].key, sizeof one[0].key) == 0,
       "diacritics and case make no other artist");
}

static void test_dates(void)
{
    struct catalog_date date = grouping_date(TEXT("2004-05-31T12:00"));
    OK(date.year == 2004 && date.month == 5 && date.day == 31, "a date with a time");
    date = grouping_date(TEXT("2004-13-01"));
    OK(date.year == 2004 && date.month == 0 && date.day == 0, "a month that is none is unknown");
    date = grouping_date(TEXT("May 2004"));
    OK(date.year == 0, "words are no date");
}

static void test_album_rows(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct album_summary summary;
    struct album_row row = {0};
    struct song s;
    struct credit credits[GROUPING_MAX_CREDITS];
    struct catalog_id artists[GROUPING_MAX_CREDITS] = {{{1}}, {{2}}};
    album_summary_init(&summary, arena);
    struct track_facts facts = {
        .info = SONG(&s, TAG(ALBUM, "N"), TAG(ARTIST, "A"), TAG(GENRE, "Rock"), TAG(DATE, "1999")),
        .credits = credits,
        .artists = artists};
    facts.credit_count = grouping_credits(&s.info, credits);
    album_summary_add(&summary, &facts);
    SONG(&s, TAG(ALBUM, "N"), TAG(ARTIST, "A"), TAG(ARTIST, "B"), TAG(GENRE, "rock"),
         TAG(GENRE, "Pop"));
    facts.credit_count = grouping_credits(&s.info, credits);
    album_summary_add(&summary, &facts);
    album_summary_row(&summary, &row);
    OK(row.credits.count == 1 && !row.is_compilation,
       "the album is by those whom all tracks have in common");
    OK(row.genres.count == 2 && row.year == 1999, "genres are put together, whatever their case");
    artists[0] = (struct catalog_id){{3}};
    album_summary_add(&summary, &facts);
    OK(album_summary_is_various(&summary),
       "when they have nobody in common, it is by various artists");
    arena_free(&arena);
}

static void test_track_rows(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct song s;
    struct credit credits[GROUPING_MAX_CREDITS];
    struct catalog_id artists[GROUPING_MAX_CREDITS] = {{{1}}};
    struct track_row row;
    struct track_facts facts = {.info =
                                    SONG(&s, TAG(ARTIST, "A"), TAG(REPLAYGAIN_TRACK_GAIN, "-6.48"),
                                         TAG(REPLAYGAIN_TRACK_PEAK, "0.988553")),
                                .credits = credits,
                                .artists = artists,
                                .name = TEXT("07 - Some Name.flac")};
    facts.credit_count = grouping_credits(&s.info, credits);
    OK(rows_track(&facts, arena, &row), "a track without title");
    OK_TEXT(row.title, TEXT("Some Name"), "is named like its file");
    OK(row.track_number == 7, "and numbered like it");
    OK(row.gain.track_cdb == -648 && row.gain.track_peak_ppm == 988553 &&
           row.gain.album_cdb == CATALOG_NO_GAIN,
       "gain and peak become integers");
    OK(rows_file_version(1, 2) != rows_file_version(2, 1) && rows_file_version(1, 2) < UINT64_C(1)
                                                                                           << 53,
       "a version tells sizes and dates apart and fits a double");
    arena_free(&arena);
}

int main(void)
{
    test_albums();
    test_credits();
    test_dates();
    test_album_rows();
    test_track_rows();
    return tap_done();
}
