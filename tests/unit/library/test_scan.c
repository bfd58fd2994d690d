// SPDX-License-Identifier: GPL-3.0-or-later
/* What a scan makes of folders as people have them: links, odd names, junk, pictures, lyrics,
 * changes while we watch. */
#include "library/music.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

struct reported {
    char lines[8][200];
    size_t count;
};

static bool note_problem(void *context, const struct library_problem *problem)
{
    struct reported *reported = context;
    snprintf(reported->lines[reported->count], sizeof reported->lines[0], "%.*s: %.*s",
             TEXT_ARGS(problem->path), TEXT_ARGS(problem->reason));
    return ++reported->count < ARRAY_SIZE(reported->lines);
}

static bool reports(struct house *house, const char *path, const char *word)
{
    struct reported reported = {0};
    library_report(house->library, note_problem, &reported);
    for (size_t i = 0; i < reported.count; i++)
        if (strstr(reported.lines[i], path) && strstr(reported.lines[i], word))
            return true;
    return false;
}

static void link_to(const struct house *house, const char *target, const char *name)
{
    char path[512];
    house_path(house, name, path);
    if (symlink(target, path) < 0)
        abort();
}

static void test_hostile(struct house *house)
{
    put_file(house, "junk/noise.mp3", "this is no music");
    put_file(house, "junk/empty.flac", "");
    put_file(house, "junk/list.mp3", "#EXTM3U\nhttp://192.0.2.1/stream\n");
    put_song(house, "junk/good.flac", 1, "TITLE=Good|ARTIST=G");
    struct library_status status = house_scan(house);
    OK(status.files_failed == 3 && count_of(house, CATALOG_TRACK) == 1, "bad files fail alone");
    OK(reports(house, "junk/noise.mp3", "not a sound file"), "and are reported by path and reason");
    status = house_scan(house);
    OK(status.files_changed == 0 && status.files_failed == 3,
       "they stay in the report without being read again");
    put_song(house, "junk/noise.mp3", 2, "TITLE=Healed|ARTIST=G");
    house_scan(house);
    OK(find(house, "Healed").is_there && !reports(house, "junk/noise.mp3", ""),
       "a file that is mended is listed");
    put_file(house, "junk/noise.mp3", "broken again");
    house_scan(house);
    OK(!find(house, "Healed").is_there && reports(house, "junk/noise.mp3", "not"),
       "and one that breaks is not");
    char path[512];
    house_path(house, "junk/pipe.mp3", path);
    OK(mkfifo(path, 0600) == 0, "a pipe named like music");
    status = house_scan(house);
    OK(status.files_failed == 3, "is passed over without waiting for it");
}

static void test_names(struct house *house)
{
    put_song(house, "n\xf6/\xe4.flac", 11, "ARTIST=N");
    put_song(house, "n\xf6/a\nb.flac", 12, "TITLE=Newline|ARTIST=N");
    put_song(house, "\xe6\x9d\xb1\xe4\xba\xac/\xe9\x9f\xb3.flac", 13, "TITLE=Tokyo|ARTIST=N");
    house_scan(house);
    struct found_track track = find(house, "\xc3\xa4");
    OK(track.is_there && strcmp(track.path, "n\xc3\xb6/\xc3\xa4.flac") == 0,
       "Latin-1 names are shown as UTF-8");
    struct library_file file;
    OK(library_open_track(house->library, track.id.bytes, &file) == 0,
       "and opened by their own bytes");
    close(file.fd);
    OK(strcmp(file.suffix, "flac") == 0 && file.root == 1, "with type and root");
    OK(find(house, "Tokyo").is_there && find(house, "Newline").is_there,
       "other scripts and control characters, too");
}

static void test_links(struct house *house)
{
    char outside[128], target[256];
    snprintf(outside, sizeof outside, "%s/outside", house->folder);
    snprintf(target, sizeof target, "%s/elsewhere", house->folder);
    put_song(house, "../outside/o.flac", 21, "TITLE=Outside|ARTIST=L");
    put_song(house, "../elsewhere/e.flac", 22, "TITLE=Elsewhere|ARTIST=L");
    put_song(house, "l/real/i.flac", 23, "TITLE=Inside|ARTIST=L");
    link_to(house, "..", "l/loop");
    link_to(house, "real", "l/again");
    link_to(house, outside, "l/out");
    link_to(house, target, "l/far");
    link_to(house, "nowhere", "l/broken.flac");
    house_scan(house);
    OK(find(house, "Inside").is_there && !find_nth(house, "Inside", 1).is_there,
       "a folder is entered once, loops end");
    struct found_track track = find(house, "Outside");
    OK(track.is_there, "a link to an allowed place is followed");
    struct library_file file;
    OK(library_open_track(house->library, track.id.bytes, &file) == 0,
       "and what lies there can be opened");
    close(file.fd);
    OK(!find(house, "Elsewhere").is_there && reports(house, "l/far", "leads out"),
       "another link out is reported");
    OK(reports(house, "l/broken.flac", "leads nowhere"), "so is a broken one");
    char path[512];
    house_path(house, "l/real", path);
    remove_tree(path);
    link_to(house, target, "l/real");
    OK(library_open_track(house->library, find(house, "Inside").id.bytes, &file) == -ENOENT,
       "what was replaced by a link out is not opened");
    remove_file(house, "l/real");
}

static void move_out(const struct house *house, const char *name, const char *to, const char *link)
{
    char from[512];
    house_path(house, name, from);
    if (rename(from, to) < 0)
        abort();
    link_to(house, to, link);
}

/* The inode is known, and nothing but the place is wrong. */
static void test_links_to_known_files(struct house *house)
{
    char same[256], other[256], place[128];
    const char *allowed = house->allowed_place;
    snprintf(place, sizeof place, "%s/faraway", house->folder);
    snprintf(same, sizeof same, "%s/same.flac", place);
    snprintf(other, sizeof other, "%s/other.flac", place);
    if (mkdir(place, 0700) < 0)
        abort();
    put_song(house, "k/same.flac", 31, "TITLE=Same|ARTIST=K");
    put_song(house, "k/old.flac", 32, "TITLE=Other|ARTIST=K");
    house_scan(house);
    struct catalog_id id = find(house, "Same").id;
    move_out(house, "k/same.flac", same, "k/same.flac");
    move_out(house, "k/old.flac", other, "k/new.flac");
    house_scan(house);
    OK(!find(house, "Same").is_there && reports(house, "k/same.flac", "leads out"),
       "a file replaced by a link to where it was moved, outside, is reported, not listed");
    OK(!find(house, "Other").is_there && reports(house, "k/new.flac", "leads out"),
       "so is a known file behind a link of another name");
    house_scan(house);
    OK(!find(house, "Same").is_there && reports(house, "k/same.flac", "leads out"),
       "and by the next scan");
    house_close(house);
    house->allowed_place = place;
    house_open(house);
    house_scan(house);
    struct found_track track = find(house, "Same");
    OK(track.is_there && memcmp(&track.id, &id, sizeof id) == 0 && find(house, "Other").is_there,
       "they come back as the same tracks when the place is allowed");
    house_close(house);
    house->allowed_place = allowed;
    house_open(house);
    house_scan(house);
    OK(!find(house, "Same").is_there && !find(house, "Other").is_there &&
           reports(house, "k/new.flac", "leads out"),
       "and go when it no longer is");
    remove_file(house, "k/same.flac");
    remove_file(house, "k/new.flac");
}

struct asking {
    struct house *house;
    struct catalog_id picture;
    atomic_uint good;
};

static void *ask_for_picture(void *context)
{
    struct asking *asking = context;
    struct library_art art;
    if (library_open_artwork(asking->house->library, asking->picture.bytes, 100, LIBRARY_ART_JPEG,
                             &art))
        return NULL;
    atomic_fetch_add(&asking->good, art.size_bytes > 0);
    close(art.fd);
    return NULL;
}

static void test_artwork(struct house *house)
{
    static const uint8_t png[] = {
        0x89, 'P',  'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0,    0,    0,    0x0d, 'I',  'H',
        'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    2,    0,    0,
        0,    0x90, 0x77, 0x53, 0xde, 0,    0,    0,    0x0c, 'I',  'D',  'A',  'T',  0x08,
        0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0,    0,    0x03, 0x01, 0x01, 0,    0x18, 0xdd, 0x8d,
        0xb0, 0,    0,    0,    0,    'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};
    char path[512];
    house_path(house, "p/a/cover.png", path);
    write_bytes(path, png, sizeof png);
    house_scan(house);
    struct asking asking = {.house = house, .picture = find(house, "P1").art};
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        if (pthread_create(&threads[i], NULL, ask_for_picture, &asking))
            abort();
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    OK(asking.good == ARRAY_SIZE(threads), "eight who ask for one picture at once all get it");
    struct library_art art;
    OK(library_open_artwork_cached(house->library, asking.picture.bytes, 65, LIBRARY_ART_JPEG,
                                   &art) == 0,
       "from then on it is cached, for all sizes up to its step of the ladder");
    close(art.fd);
}

static void test_pictures(struct house *house)
{
    put_song(house, "p/a/1.flac", 31, "TITLE=P1|ARTIST=Pat|ALBUM=Pictures");
    house_scan(house);
    struct catalog_id none = find(house, "P1").art;
    OK(catalog_id_is_none(&none), "no picture, no artwork");
    put_file(house, "p/a/folder.jpg", "one picture");
    house_scan(house);
    struct catalog_id folder = find(house, "P1").art;
    OK(!catalog_id_is_none(&folder), "a folder's picture is found without any file changing");
    put_file(house, "p/a/cover.png", "a better one");
    house_scan(house);
    struct catalog_id cover = find(house, "P1").art;
    OK(!catalog_id_is_none(&cover) && !catalog_id_equal(&cover, &folder),
       "cover goes before folder");
    struct library_art art;
    int error = library_open_artwork(house->library, cover.bytes, 64, LIBRARY_ART_WEBP, &art);
    OK(error < 0, "a picture that is none is an error, not a crash");
    OK(library_open_artwork_cached(house->library, cover.bytes, 64, LIBRARY_ART_WEBP, &art) ==
           -EAGAIN,
       "and nothing is cached of it");
    OK(library_open_artwork(house->library, none.bytes, 64, LIBRARY_ART_WEBP, &art) == -ENOENT,
       "an unknown picture is unknown");
    test_artwork(house);
    remove_file(house, "p/a/cover.png");
    remove_file(house, "p/a/folder.jpg");
    house_scan(house);
    none = find(house, "P1").art;
    OK(catalog_id_is_none(&none), "removed pictures go");
}

static void test_lyrics(struct house *house)
{
    put_song(house, "y/1.flac", 41, "TITLE=Y1|ARTIST=Y");
    house_scan(house);
    struct catalog_id id = find(house, "Y1").id;
    struct arena *arena = arena_new(1 << 20);
    const struct library_lyrics *lyrics;
    size_t count = 9;
    OK(library_read_lyrics(house->library, id.bytes, arena, &lyrics, &count) == 0 && count == 0,
       "no lyrics is no error");
    put_file(house, "y/1.txt", "plain words\n");
    put_file(house, "y/1.lrc", "[00:01.50]first\n[00:02.00]second\n");
    house_scan(house);
    OK(library_read_lyrics(house->library, id.bytes, arena, &lyrics, &count) == 0 && count == 2,
       "files beside the song are its lyrics");
    OK(count == 2 && lyrics[0].is_synced && lyrics[0].lines[0].start_ms == 1500 &&
           !lyrics[1].is_synced && lyrics[1].lines[0].start_ms == -1,
       "synchronised ones come first");
    OK(library_read_lyrics(house->library, (const uint8_t[16]){0}, arena, &lyrics, &count) ==
           -ENOENT,
       "an unknown track has none");
    arena_free(&arena);
}

static void test_removal_share(struct house *house)
{
    uint32_t tracks = count_of(house, CATALOG_TRACK);
    for (unsigned i = 0; i < 10; i++) {
        char name[32], tags[64];
        snprintf(name, sizeof name, "r/%u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=R%u|ARTIST=R", i);
        put_song(house, name, 50 + i, tags);
    }
    house_scan(house);
    tracks += 10;
    char path[512];
    house_path(house, "r", path);
    remove_tree(path);
    struct library_status status = house_scan(house);
    OK(status.removal_refused == 10 && count_of(house, CATALOG_TRACK) == tracks,
       "more than a fifth is not believed gone");
    put_song(house, "new.flac", 70, "TITLE=New|ARTIST=R");
    house_scan(house);
    OK(find(house, "New").is_there && find(house, "R3").is_there,
       "what is new is listed all the same");
    status = house_scan_with(house, (struct library_scan_options){.allow_removal = true});
    OK(status.files_removed == 10 && !find(house, "R3").is_there, "until told that it is");
}

static void test_unreadable(struct house *house)
{
    if (geteuid() == 0) {
        OK(true, "# SKIP root reads everything");
        return;
    }
    char path[512];
    house_path(house, "y", path);
    OK(chmod(path, 0) == 0, "a folder without permission");
    house_scan(house);
    OK(find(house, "Y1").is_there && reports(house, "y", "Permission"),
       "is reported, and what is known of it stays");
    (void)chmod(path, 0700);
    house_scan(house);
    OK(!reports(house, "y", "Permission"), "until it can be read again");
}

static void test_watch(struct house *house)
{
    struct library_status status;
    library_status(house->library, &status);
    put_song(house, "w/new/1.flac", 81, "TITLE=W1|ARTIST=W");
    OK(house_wait(house, status.version + 1) && find(house, "W1").is_there,
       "a new folder is seen without being told");
    library_status(house->library, &status);
    put_song(house, "w/new/1.flac", 81, "TITLE=W2|ARTIST=W");
    OK(house_wait(house, status.version + 1) && find(house, "W2").is_there, "so is a retag in it");
    library_status(house->library, &status);
    struct catalog_id id = find(house, "W2").id;
    move_file(house, "w/new", "w/deep/newer");
    OK(house_wait(house, status.version + 1), "so is a move");
    struct found_track track = find(house, "W2");
    OK(same(id, track.id) && strcmp(track.path, "w/deep/newer/1.flac") == 0, "which keeps the id");
    library_status(house->library, &status);
    remove_file(house, "w/deep/newer/1.flac");
    OK(house_wait(house, status.version + 1) && !find(house, "W2").is_there, "so is a removal");
}

static void test_close_amid(struct house *house)
{
    house_close(house);
    char path[512];
    for (unsigned i = 0; i < 200; i++) {
        char name[32], tags[64];
        snprintf(name, sizeof name, "many/%u.flac", i);
        snprintf(tags, sizeof tags, "TITLE=M%u|ARTIST=M", i);
        put_song(house, name, 1000 + i, tags);
    }
    house_open(house);
    library_scan(house->library, (struct library_scan_options){.full = true});
    house_close(house);
    house_open(house);
    house_scan(house);
    OK(find(house, "M0").is_there && find(house, "M199").is_there,
       "closing amid a scan loses nothing that the next one does not find");
    house_path(house, "many", path);
    remove_tree(path);
}

static void test_full_disk(struct house *house)
{
    house_close(house);
    uint32_t tracks;
    house_open(house);
    house_scan_with(house, (struct library_scan_options){.allow_removal = true});
    tracks = count_of(house, CATALOG_TRACK);
    struct rlimit before, small = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    OK(getrlimit(RLIMIT_FSIZE, &before) == 0, "a disk");
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    put_song(house, "late.flac", 2000, "TITLE=Late|ARTIST=M");
    bool is_limited = setrlimit(RLIMIT_FSIZE, &small) == 0; /* stdout, too, may be a file */
    house_scan(house);
    bool is_free = setrlimit(RLIMIT_FSIZE, &before) == 0;
    OK(is_limited && is_free, "that takes nothing more for a while");
    OK(count_of(house, CATALOG_TRACK) == tracks, "leaves the last good catalogue");
    house_scan(house);
    OK(find(house, "Late").is_there, "the next scan makes up for it");
}

int main(int count, char **arguments)
{
    struct house house;
    char outside[128];
    house_build(&house, count > 1 ? arguments[1] : "sostenuto-media");
    snprintf(outside, sizeof outside, "%s/outside", house.folder);
    if (mkdir(outside, 0700) < 0)
        abort();
    house.allowed_place = outside;
    house.is_watching = false;
    house_open(&house);
    test_hostile(&house);
    test_names(&house);
    test_links(&house);
    test_links_to_known_files(&house);
    test_pictures(&house);
    test_lyrics(&house);
    test_removal_share(&house);
    test_unreadable(&house);
    house_close(&house);
    house.is_watching = true;
    house_open(&house);
    house_scan(&house);
    test_watch(&house);
    house.is_watching = false;
    test_close_amid(&house);
    test_full_disk(&house);
    house_demolish(&house);
    return tap_done();
}
