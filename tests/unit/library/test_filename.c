// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/filename.h"
#include "tap.h"

static void test_kinds(void)
{
    static const struct {
        const char *name;
        enum filename_kind kind;
    } rows[] = {
        {"Song.FLAC", FILENAME_AUDIO},
        {"a.b.mp3", FILENAME_AUDIO},
        {"song.m4a", FILENAME_AUDIO},
        {"song.lrc", FILENAME_LYRICS},
        {"Folder.JPG", FILENAME_COVER},
        {"cover.webp", FILENAME_COVER},
        {"albumcover.png", FILENAME_COVER},
        {"albumart.png", FILENAME_COVER},
        {"AlbumArt_{1-2}_Large.jpg", FILENAME_COVER},
        {"artist.jpg", FILENAME_ARTIST_IMAGE},
        {"back.jpg", FILENAME_OTHER},
        {"booklet.pdf", FILENAME_OTHER},
        {"mp3", FILENAME_OTHER},
        {".hidden.mp3", FILENAME_HIDDEN},
        {"._Song.mp3", FILENAME_HIDDEN},
        {"@eaDir", FILENAME_HIDDEN},
        {"", FILENAME_HIDDEN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(filename_kind(text_of(rows[i].name)) == rows[i].kind,
           rows[i].name[0] ? rows[i].name : "an empty name");
    OK(filename_cover_rank(TEXT("cover.webp")) < filename_cover_rank(TEXT("folder.jpg")),
       "cover comes before folder, whatever its format");
    OK(filename_cover_rank(TEXT("front.jpg")) < filename_cover_rank(TEXT("front.png")),
       "jpg before png");
}

static void test_discs(void)
{
    static const struct {
        const char *name, *rest; /* NULL: no disc folder */
    } rows[] = {
        {"CD1", ""},
        {"cd 02", ""},
        {"Disc-3", ""},
        {"Disk 1 - Live", ""},
        {"Album (CD 2)", "Album"},
        {"Album [disc1]", "Album"},
        {"CD", NULL},
        {"Discography", NULL},
        {"cdr 1", NULL},
        {"Disco 3000 Remixes", NULL},
        {"Album (1999)", NULL},
        {"CD12345", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct text rest = TEXT("untouched");
        bool is_disc = filename_disc_folder(text_of(rows[i].name), &rest);
        OK(is_disc == (rows[i].rest != NULL), rows[i].name);
        if (rows[i].rest)
            OK_TEXT(rest, text_of(rows[i].rest), "and what is left of it");
    }
}

static void test_shown(void)
{
    struct arena *arena = arena_new(4096);
    OK_TEXT(filename_shown(arena, TEXT("Bj\xc3\xb6rk")), TEXT("Bj\xc3\xb6rk"),
            "UTF-8 is shown as it is");
    OK_TEXT(filename_shown(arena, TEXT("Bj\xf6rk")), TEXT("Bj\xc3\xb6rk"),
            "other bytes are read as Latin-1");
    OK_TEXT(filename_shown(arena, TEXT("a\nb\xc3\xb6")),
            TEXT("a\xef\xbf\xbd"
                 "b\xc3\xb6"),
            "a control character is replaced, the rest of UTF-8 stays");
    struct text shown = filename_shown(arena, TEXT("\xff\xfe\x80\x01"));
    OK(text_is_utf8(shown) && shown.size == 9, "whatever comes in, UTF-8 comes out");
    arena_free(&arena);
    OK_TEXT(filename_stem(TEXT(".mp3")), TEXT(".mp3"), "a leading dot makes no suffix");
    OK_TEXT(filename_suffix(TEXT("a.tar.gz")), TEXT("gz"), "the last dot does");
}

int main(void)
{
    test_kinds();
    test_discs();
    test_shown();
    return tap_done();
}
