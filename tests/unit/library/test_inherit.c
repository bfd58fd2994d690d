// SPDX-License-Identifier: GPL-3.0-or-later
/* A library.db that was lost, made again of the catalogue alone: which ids a scan finds. */
#include "library/inherit.h"
#include "library/music.h"
#include <sqlite3.h>

static void put_music(struct house *house)
{
    for (unsigned i = 1; i <= 6; i++) {
        char name[64], tags[200];
        snprintf(name, sizeof name, "Ann/First/%02u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=F%u|ARTIST=Ann|ALBUM=First|ALBUMARTIST=Ann", i);
        put_song(house, name, i, tags);
    }
    put_song(house, "twin.flac", 31, "TITLE=Twin|ARTIST=D|ALBUM=Dup");
    put_song(house, "other/twin.flac", 31, "TITLE=Twin 2|ARTIST=D|ALBUM=Dup 2");
    house_scan(house);
}

/* Names that ids were not made of: only who remembers them gives the same ids. */
static void rename_all(struct house *house)
{
    for (unsigned i = 1; i <= 6; i++) {
        char name[64], tags[200];
        snprintf(name, sizeof name, "Ann/First/%02u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=F%u|ARTIST=Anna|ALBUM=Premier|ALBUMARTIST=Anna", i);
        put_song(house, name, i, tags);
    }
    house_scan(house);
}

static void leave_behind(const struct house *house, const char *name, const char *words)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", house->state, name);
    FILE *file = fopen(path, "w");
    OK(file && fputs(words, file) >= 0, words);
    if (file)
        (void)fclose(file);
}

static bool is_there(const struct house *house, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", house->state, name);
    return access(path, F_OK) == 0;
}

static int64_t members_of_albums(const char *path)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *sum = NULL;
    int64_t members = -1;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(database, "SELECT sum(members) FROM groups WHERE kind = 0", -1, &sum,
                           NULL) == SQLITE_OK &&
        sqlite3_step(sum) == SQLITE_ROW)
        members = sqlite3_column_int64(sum, 0);
    (void)sqlite3_finalize(sum);
    (void)sqlite3_close(database);
    return members;
}

static void forget(struct house *house, struct inherited_library *ret)
{
    char path[200], why[256] = "";
    struct catalog *catalog = library_catalog(house->library);
    house_close(house);
    snprintf(path, sizeof path, "%s/library.db", house->state);
    OK(library_inherit(house->state, catalog, 1, ret, why) == -EEXIST,
       "what a node has itself is not replaced");
    OK(unlink(path) == 0, "library.db is lost");
    leave_behind(house, "library.db.making", "half of one that a crash cut off");
    leave_behind(house, "library.db-wal", "the log of the one that is gone");
    OK(library_inherit(house->state, catalog, 1, ret, why) == 0, "a catalogue makes another");
    OK(is_there(house, "library.db") && !is_there(house, "library.db.making") &&
           !is_there(house, "library.db-wal"),
       "whole, and alone");
    OK(members_of_albums(path) == (int64_t)ret->tracks, "each album knows how many it has");
    catalog_unref(&catalog);
    house_open(house);
}

static void test_inherited(struct house *house)
{
    struct inherited_library counts = {0};
    struct found_track before = find(house, "F1"), last = find(house, "F6");
    struct found_track twin = find(house, "Twin"), other = find(house, "Twin 2");
    uint32_t tracks = count_of(house, CATALOG_TRACK), artists = count_of(house, CATALOG_ARTIST);
    forget(house, &counts);
    OK(counts.tracks == tracks && counts.albums == 3 && counts.left_out == 0,
       "with every track and album");
    move_file(house, "Ann/First/06.flac", "moved/six.flac");
    struct library_status status = house_scan(house);
    OK(status.files_removed == 0 && count_of(house, CATALOG_TRACK) == tracks,
       "the first scan finds what the catalogue has");
    struct found_track after = find(house, "F1");
    OK(same(before.id, after.id) && before.created_ms == after.created_ms,
       "a track keeps its id and its date");
    OK(same(before.album, after.album), "an album its id, which its name does not give");
    OK(same(before.artist, after.artist), "an artist too");
    OK(same(last.id, find(house, "F6").id), "also a track that was moved meanwhile");
    OK(same(twin.id, find(house, "Twin").id) && same(other.id, find(house, "Twin 2").id),
       "and two copies of one recording");
    OK(count_of(house, CATALOG_ARTIST) == artists, "nobody is there twice");
}

/* A listener taps while the first scan has not come to the file. */
static void test_before_a_scan(struct house *house)
{
    struct inherited_library counts;
    struct library_file file = {.fd = -1};
    struct found_track track = find(house, "F1");
    forget(house, &counts);
    OK(library_open_track(house->library, track.id.bytes, &file) == 0 && file.fd >= 0 &&
           file.content_type && strcmp(file.suffix, "flac") == 0,
       "what no scan has read plays from where the catalogue says");
    if (file.fd >= 0)
        close(file.fd);
    house_scan(house);
}

static void test_absent(struct house *house)
{
    struct inherited_library counts;
    uint32_t tracks = count_of(house, CATALOG_TRACK);
    char away[100];
    snprintf(away, sizeof away, "%s/unmounted", house->folder);
    forget(house, &counts);
    OK(rename(house->music, away) == 0, "the music is not there yet");
    house_scan(house);
    OK(count_of(house, CATALOG_TRACK) == tracks, "the catalogue stays as it was");
    OK(rename(away, house->music) == 0, "it comes");
    house_scan(house);
    struct library_file file = {.fd = -1};
    struct found_track track = find(house, "F1");
    OK(library_open_track(house->library, track.id.bytes, &file) == 0, "and can be played");
    if (file.fd >= 0)
        close(file.fd);
}

int main(int count, char **arguments)
{
    struct house house;
    house_build(&house, count > 1 ? arguments[1] : "sostenuto-media");
    house_open(&house);
    put_music(&house);
    rename_all(&house);
    test_inherited(&house);
    test_before_a_scan(&house);
    test_absent(&house);
    house_demolish(&house);
    return tap_done();
}
