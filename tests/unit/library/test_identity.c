// SPDX-License-Identifier: GPL-3.0-or-later
/* What keeps its id, through everything that people do to files. */
#include "library/music.h"

static void put_album(struct house *house)
{
    for (unsigned i = 1; i <= 6; i++) {
        char name[64], tags[200];
        snprintf(name, sizeof name, "Ann/First/%02u.flac", i);
        snprintf(tags, sizeof tags,
                 "TITLE=F%u|ARTIST=Ann|ALBUM=First|ALBUMARTIST=Ann|TRACKNUMBER=%u", i, i);
        put_song(house, name, i, tags);
    }
}

static void test_retag_and_move(struct house *house)
{
    put_album(house);
    house_scan(house);
    struct found_track before = find(house, "F1");
    OK(before.is_there && count_of(house, CATALOG_TRACK) == 6, "a first scan lists every file");

    put_song(house, "Ann/First/01.flac", 1, "TITLE=Renamed|ARTIST=Ann|ALBUM=First|ALBUMARTIST=Ann");
    house_scan(house);
    struct found_track retagged = find(house, "Renamed");
    OK(same(before.id, retagged.id) && same(before.album, retagged.album),
       "a retag keeps track and album id");
    OK(!find(house, "F1").is_there, "the old title is gone");
    OK(before.created_ms == retagged.created_ms, "a retag keeps the day it was first seen");

    move_file(house, "Ann/First/01.flac", "Ann/First/one.flac");
    struct library_status status = house_scan(house);
    struct found_track moved = find(house, "Renamed");
    OK(same(before.id, moved.id) && strcmp(moved.path, "Ann/First/one.flac") == 0,
       "a new file name keeps the id");
    OK(status.files_removed == 0, "a move is no removal");

    move_file(house, "Ann", "Anna");
    house_scan(house);
    moved = find(house, "Renamed");
    OK(same(before.id, moved.id) && same(before.album, moved.album),
       "a renamed folder keeps track and album ids");
    OK(same(before.artist, moved.artist) && strcmp(moved.path, "Anna/First/one.flac") == 0,
       "and the artist's, under the new path");
    OK(count_of(house, CATALOG_TRACK) == 6 && count_of(house, CATALOG_ALBUM) == 1,
       "and nothing twice");
}

static void test_swap(struct house *house)
{
    put_song(house, "s/a.flac", 21, "TITLE=Left|ARTIST=S|ALBUM=Swap");
    put_song(house, "s/b.flac", 22, "TITLE=Right|ARTIST=S|ALBUM=Swap");
    house_scan(house);
    struct found_track left = find(house, "Left"), right = find(house, "Right");
    move_file(house, "s/a.flac", "s/t");
    move_file(house, "s/b.flac", "s/a.flac");
    move_file(house, "s/t", "s/b.flac");
    house_scan(house);
    struct found_track left_after = find(house, "Left");
    OK(same(left.id, left_after.id) && strcmp(left_after.path, "s/b.flac") == 0,
       "of two swapped files the first keeps its id");
    OK(same(right.id, find(house, "Right").id), "and the second its own");
}

static void test_duplicate(struct house *house)
{
    put_song(house, "d/one.flac", 31, "TITLE=Twin|ARTIST=D|ALBUM=Dup");
    house_scan(house);
    struct found_track first = find(house, "Twin");
    put_song(house, "d/two.flac", 31, "TITLE=Twin|ARTIST=D|ALBUM=Dup");
    house_scan(house);
    struct found_track second = find_nth(house, "Twin", 0);
    if (same(second.id, first.id))
        second = find_nth(house, "Twin", 1);
    OK(second.is_there && !same(first.id, second.id), "a duplicate is a track of its own");
    move_file(house, "d/two.flac", "d/three.flac");
    house_scan(house);
    bool is_kept = same(find_nth(house, "Twin", 0).id, second.id) ||
                   same(find_nth(house, "Twin", 1).id, second.id);
    OK(is_kept, "a moved duplicate keeps its ordinal");
    remove_file(house, "d/one.flac");
    house_scan(house);
    OK(same(find(house, "Twin").id, second.id),
       "when the first is removed the second keeps its id");
    put_song(house, "d/one.flac", 31, "TITLE=Twin|ARTIST=D|ALBUM=Dup");
    house_scan(house);
    bool is_back = same(find_nth(house, "Twin", 0).id, first.id) ||
                   same(find_nth(house, "Twin", 1).id, first.id);
    OK(is_back, "and the first is itself again when it comes back");
}

static void test_restore(struct house *house)
{
    struct found_track before = find(house, "F2");
    move_file(house, "Anna/First/02.flac", "../away.flac");
    struct library_status status = house_scan(house);
    OK(status.files_removed == 1 && !find(house, "F2").is_there,
       "one removed file of many is believed");
    move_file(house, "../away.flac", "elsewhere/02.flac");
    house_scan(house);
    struct found_track after = find(house, "F2");
    OK(same(before.id, after.id) && before.created_ms == after.created_ms,
       "a file restored later, elsewhere, has its id and date back");
    move_file(house, "elsewhere/02.flac", "Anna/First/02.flac");
    house_scan(house);
    OK(same(before.album, find(house, "F2").album), "and back in its folder, its album");
}

static void test_missing_mount(struct house *house)
{
    uint32_t tracks = count_of(house, CATALOG_TRACK);
    char away[100];
    snprintf(away, sizeof away, "%s/unmounted", house->folder);
    OK(rename(house->music, away) == 0, "the disk goes");
    struct library_status status = house_scan(house);
    OK(status.removal_refused == tracks && count_of(house, CATALOG_TRACK) == tracks,
       "a root that is gone removes nothing");
    OK(mkdir(house->music, 0700) == 0, "an empty mount point is left");
    status = house_scan(house);
    OK(status.removal_refused == tracks && count_of(house, CATALOG_TRACK) == tracks,
       "an empty root removes nothing");
    status = house_scan_with(house, (struct library_scan_options){.full = true});
    OK(status.removal_refused == tracks, "a full scan does not either");
    struct found_track before = find(house, "Left");
    status = house_scan_with(house, (struct library_scan_options){.allow_removal = true});
    OK(status.files_removed == tracks && count_of(house, CATALOG_TRACK) == 0,
       "with allow_removal it does");
    OK(rmdir(house->music) == 0 && rename(away, house->music) == 0, "the disk comes back");
    house_scan(house);
    struct found_track after = find(house, "Left");
    OK(count_of(house, CATALOG_TRACK) == tracks && same(before.id, after.id) &&
           same(before.album, after.album) && same(before.artist, after.artist),
       "and every id with it");
}

static void retitle(struct house *house, unsigned first, unsigned last, const char *album)
{
    for (unsigned i = first; i <= last; i++) {
        char name[64], tags[200];
        snprintf(name, sizeof name, "g/%02u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=G%u|ARTIST=Gus|ALBUM=%s|ALBUMARTIST=Gus", i, album);
        put_song(house, name, 100 + i, tags);
    }
}

static void test_albums(struct house *house)
{
    retitle(house, 1, 8, "Old Name");
    house_scan(house);
    struct found_track before = find(house, "G1");
    retitle(house, 1, 8, "New Name");
    house_scan(house);
    struct found_track after = find(house, "G1");
    OK(same(before.album, after.album) && strcmp(after.album_name, "New Name") == 0,
       "a renamed album keeps its id");
    retitle(house, 7, 8, "Bonus");
    house_scan(house);
    OK(same(before.album, find(house, "G1").album),
       "of a split album the larger part keeps the id");
    OK(!same(before.album, find(house, "G8").album), "the smaller part is a new album");
    retitle(house, 7, 8, "New Name");
    house_scan(house);
    OK(same(before.album, find(house, "G8").album), "and joins again when its tags do");
    put_song(house, "g/01.flac", 101, "TITLE=G1|ARTIST=Gus|ALBUM=Old Name|ALBUMARTIST=Gus");
    house_scan(house);
    OK(!same(before.album, find(house, "G1").album),
       "one file under the album's former name does not take the album along");
}

static void test_artists(struct house *house)
{
    static const char mbid[] = "MUSICBRAINZ_ARTISTID=0b30341b-b59d-4979-8130-b66c0e475321";
    char tags[300];
    put_song(house, "x/1.flac", 201, "TITLE=X1|ARTIST=Lil Nas|ALBUM=X");
    put_song(house, "x/2.flac", 202, "TITLE=X2|ARTIST=LIL  NAS|ALBUM=X");
    house_scan(house);
    struct found_track first = find(house, "X1");
    OK(same(first.artist, find(house, "X2").artist),
       "names that differ in case and spaces are one artist");
    for (unsigned i = 1; i <= 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "x/%u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=X%u|ARTIST=Lil Nas X|ALBUM=X|%s", i, mbid);
        put_song(house, name, 200 + i, tags);
    }
    house_scan(house);
    OK(same(first.artist, find(house, "X1").artist),
       "an artist whose name is corrected keeps the id");
    put_song(house, "y/3.flac", 203, "TITLE=X3|ARTIST=Lil Nas X|ALBUM=Y");
    house_scan(house);
    OK(same(first.artist, find(house, "X3").artist),
       "a name without MusicBrainz id means the only artist of that name");
    snprintf(tags, sizeof tags, "TITLE=X4|ARTIST=Lil Nas X|ALBUM=Z|%s",
             "MUSICBRAINZ_ARTISTID=11111111-b59d-4979-8130-b66c0e475321");
    put_song(house, "z/4.flac", 204, tags);
    house_scan(house);
    OK(!same(first.artist, find(house, "X4").artist),
       "a namesake with another MusicBrainz id is somebody else");
}

static void test_database_lost_catalogue(struct house *house)
{
    struct found_track before = find(house, "G2");
    uint32_t tracks = count_of(house, CATALOG_TRACK);
    house_close(house);
    char folder[100];
    snprintf(folder, sizeof folder, "%s/catalog", house->state);
    remove_tree(folder);
    house_open(house);
    OK(count_of(house, CATALOG_TRACK) == 0, "an empty one is opened");
    house_scan(house);
    struct found_track after = find(house, "G2");
    OK(count_of(house, CATALOG_TRACK) == tracks && same(before.id, after.id) &&
           same(before.album, after.album),
       "a scan writes it anew from library.db, ids unchanged");
    house_close(house);
    house_open(house);
    OK(count_of(house, CATALOG_TRACK) == tracks, "a start without a scan has the last catalogue");
}

static void test_two_libraries(struct house *house)
{
    house_close(house);
    house->has_second = true;
    put_song(house, "../second/k.flac", 301, "TITLE=K1|ARTIST=Ann|ALBUM=Kept");
    house_open(house);
    house_scan(house);
    struct found_track second = find(house, "K1"), first = find(house, "F3");
    OK(second.library == 2 && first.library == 1, "two roots are two libraries");
    OK(same(second.artist, first.artist), "which share their artists");
    move_file(house, "../second/k.flac", "from second/k.flac");
    house_scan_with(house, (struct library_scan_options){.allow_removal = true});
    struct found_track moved = find(house, "K1");
    OK(same(second.id, moved.id) && moved.library == 1,
       "a file moved to another library keeps its id");
    OK(!find_nth(house, "K1", 1).is_there, "and is in one of them only");
    put_song(house, "../second/copy.flac", 301, "TITLE=K1|ARTIST=Ann|ALBUM=Kept");
    house_scan(house);
    OK(!same(find_nth(house, "K1", 0).id, find_nth(house, "K1", 1).id),
       "the same recording in both is two tracks");
}

static void test_full_scan(struct house *house)
{
    struct library_status before, after;
    library_status(house->library, &before);
    after = house_scan_with(house, (struct library_scan_options){.full = true});
    OK(after.files_changed == after.files_seen && after.files_seen == after.tracks,
       "a full scan reads every file again");
    OK(after.version == before.version,
       "and publishes nothing when they say what they said before");
    struct found_track track = find(house, "F3");
    char path[512];
    house_path(house, track.path, path);
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    OK(utimensat(AT_FDCWD, path, times, 0) == 0, "a file gets another date");
    after = house_scan_with(house, (struct library_scan_options){.full = true});
    OK(after.version == before.version + 1,
       "which is published: the version in its address is another");
}

int main(int count, char **arguments)
{
    struct house house;
    house_build(&house, count > 1 ? arguments[1] : "sostenuto-media");
    house_open(&house);
    test_retag_and_move(&house);
    test_swap(&house);
    test_duplicate(&house);
    test_restore(&house);
    test_missing_mount(&house);
    test_albums(&house);
    test_artists(&house);
    test_database_lost_catalogue(&house);
    test_two_libraries(&house);
    test_full_scan(&house);
    house_demolish(&house);
    return tap_done();
}
