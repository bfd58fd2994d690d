// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/depot.h"
#include "base/mem.h"
#include "catalog/depot_file.h"
#include "sample.h"
#include "tap.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static struct depot *open_depot(char why[256])
{
    struct depot *depot = NULL;
    struct depot_config config = {.folder = folder, .library = 1};
    if (depot_open(&config, &depot, why) != 0)
        abort();
    return depot;
}

static void clear_folder(void)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        (void)closedir(entries);
}

static uint32_t tracks_of(struct depot *depot)
{
    struct catalog *catalog = depot_snapshot(&depot, 1);
    uint32_t count = catalog_count((struct catalog_view){catalog, 1}, CATALOG_TRACK);
    catalog_unref(&catalog);
    return count;
}

static void commits_last(void)
{
    char why[256];
    struct sample sample;
    sample_make(&sample, 2, 100);
    struct depot *depot = open_depot(why);
    OK(depot_version(depot) == 0 && tracks_of(depot) == 0, "a new depot is empty");
    struct build *build = depot_begin(depot);
    sample_give(&sample, build, 0, 60);
    OK(depot_commit(depot, &build) == 0 && !build && depot_version(depot) == 1,
       "a commit makes version 1");
    struct catalog *old = depot_snapshot(&depot, 1);
    build = depot_begin(depot);
    sample_give(&sample, build, 60, 100);
    build_removal(build, &sample.tracks[0].id);
    OK(depot_commit(depot, &build) == 0 && tracks_of(depot) == 99, "a second one adds and removes");
    OK(catalog_count((struct catalog_view){old, 1}, CATALOG_TRACK) == 60,
       "an older snapshot stays as it was");
    depot_close(&depot);
    OK(catalog_count((struct catalog_view){old, 1}, CATALOG_TRACK) == 60,
       "also after the depot is closed");
    catalog_unref(&old);
    depot = open_depot(why);
    OK(depot_version(depot) == 2 && tracks_of(depot) == 99 && why[0] == 0,
       "both are there after opening again");
    build = depot_begin(depot);
    OK(depot_commit(depot, &build) == 0 && depot_version(depot) == 2,
       "an empty build changes nothing");
    build = depot_begin(depot);
    sample_give(&sample, build, 0, 7);
    OK(depot_replace(depot, &build) == 0 && tracks_of(depot) == 7, "a replacement drops what was");
    depot_close(&depot);
    clear_folder();
    sample_free(&sample);
}

/* The model: which sample tracks are in.  Every commit is compared with it. */
static bool equals_model(struct depot *depot, const struct sample *sample, const bool *is_in)
{
    struct catalog *catalog = depot_snapshot(&depot, 1);
    struct catalog_view view = {catalog, 1};
    uint32_t count = 0;
    bool same = true;
    for (uint32_t i = 0; i < sample->track_count; i++) {
        uint32_t number = catalog_find(view, CATALOG_TRACK, &sample->tracks[i].id);
        same = same && (number != (uint32_t)CATALOG_NONE) == is_in[i];
        struct track_row row;
        if (number != (uint32_t)CATALOG_NONE) {
            catalog_track(catalog, number, &row);
            same = same && text_equal(row.title, sample->tracks[i].title) &&
                   row.version == sample->tracks[i].version;
        }
        count += is_in[i];
    }
    same = same && catalog_count(view, CATALOG_TRACK) == count;
    catalog_unref(&catalog);
    return same;
}

static void random_histories(void)
{
    char why[256];
    struct sample sample;
    bool is_in[200] = {false}, same = true;
    size_t most = 0;
    sample_make(&sample, 7, 200);
    struct depot *depot = open_depot(why);
    for (unsigned round = 0; round < 60 && same; round++) {
        struct build *build = depot_begin(depot);
        uint32_t changes = sample_below(&sample, 20), from = sample_below(&sample, 180);
        sample_give(&sample, build, 0, 0);
        for (uint32_t i = from; i < from + changes; i++) {
            if (sample_below(&sample, 3) == 0 && is_in[i]) {
                build_removal(build, &sample.tracks[i].id);
                is_in[i] = false;
            } else {
                sample.tracks[i].version++; /* changed on disk */
                build_track(build, &sample.tracks[i]);
                is_in[i] = true;
            }
        }
        same = depot_commit(depot, &build) == 0 && equals_model(depot, &sample, is_in);
        most = depot_segments(depot) > most ? depot_segments(depot) : most;
        if (round % 13 == 12) {
            depot_close(&depot);
            depot = open_depot(why);
            same = same && equals_model(depot, &sample, is_in) && why[0] == 0;
        }
    }
    OK(same, "60 random commits, with merges and re-openings, equal the model");
    OK(most > 1 && most <= 8, "merging keeps a handful of segments");
    OK(depot_rebuild(depot) == 0 && depot_segments(depot) == 1 &&
           equals_model(depot, &sample, is_in),
       "a rebuild leaves one segment with the same tracks");
    depot_close(&depot);
    clear_folder();
    sample_free(&sample);
}

/* Flips one bit, or cuts, the only file with this suffix. */
static void damage(const char *suffix, bool cut)
{
    DIR *entries = opendir(folder);
    char newest[300] = "";
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (text_ends(text_of(entry->d_name), text_of(suffix)) && strcmp(entry->d_name, newest) > 0)
            (void)snprintf(newest, sizeof newest, "%s", entry->d_name);
    int fd = openat(dirfd(entries), newest, O_RDWR);
    struct stat status;
    char byte;
    if (fd < 0 || fstat(fd, &status) < 0 || pread(fd, &byte, 1, status.st_size / 2) != 1)
        abort();
    byte ^= 4;
    if (cut ? ftruncate(fd, status.st_size - 1) < 0 : pwrite(fd, &byte, 1, status.st_size / 2) != 1)
        abort();
    (void)close(fd);
    (void)closedir(entries);
}

static void damage_is_refused(void)
{
    static const char *const suffixes[] = {".list", ".core", ".detail"};
    struct sample sample;
    sample_make(&sample, 2, 100);
    for (unsigned which = 0; which < 6; which++) {
        char why[256];
        struct depot *depot = open_depot(why);
        struct build *build = depot_begin(depot);
        sample_give(&sample, build, 0, 30);
        if (depot_replace(depot, &build) != 0)
            abort();
        build = depot_begin(depot);
        sample_give(&sample, build, 0, 50);
        if (depot_replace(depot, &build) != 0)
            abort();
        depot_close(&depot);
        damage(suffixes[which / 2], which % 2);
        depot = open_depot(why);
        OK(tracks_of(depot) == 30 && why[0], "damage is refused and the version before stays");
        build = depot_begin(depot);
        sample_give(&sample, build, 0, 40);
        OK(depot_version(depot) == 3, "under a number never used, so that nothing goes backwards");
        OK(depot_commit(depot, &build) == 0 && depot_version(depot) == 4,
           "and so has the next version");
        depot_close(&depot);
        depot = open_depot(why);
        OK(tracks_of(depot) == 40 && !why[0], "and is good");
        depot_close(&depot);
        clear_folder();
    }
    sample_free(&sample);
}

static void leftovers_are_swept(void)
{
    char why[256], path[128];
    struct sample sample;
    sample_make(&sample, 2, 10);
    (void)snprintf(path, sizeof path, "%s/00000000000000ff.core.new", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    (void)close(fd);
    struct depot *depot = open_depot(why);
    for (unsigned i = 0; i < 5; i++) {
        struct build *build = depot_begin(depot);
        sample_give(&sample, build, 0, 10);
        if (depot_replace(depot, &build) != 0)
            abort();
    }
    depot_close(&depot);
    unsigned files = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        files += entry->d_name[0] != '.';
    if (entries)
        (void)closedir(entries);
    OK(files == 6, "two versions stay on disk, nothing else");
    clear_folder();
    sample_free(&sample);
}

/* --- what other nodes may read --- */

static struct depot *open_kept(uint64_t epoch, uint64_t after_number, uint32_t keep_s)
{
    char why[256];
    struct depot *depot = NULL;
    struct depot_config config = {.folder = folder,
                                  .library = 1,
                                  .epoch = epoch,
                                  .after_number = after_number,
                                  .keep_s = keep_s};
    if (depot_open(&config, &depot, why) != 0)
        abort();
    return depot;
}

static void replace(struct depot *depot, struct sample *sample, uint32_t tracks)
{
    struct build *build = depot_begin(depot);
    sample_give(sample, build, 0, tracks);
    if (depot_replace(depot, &build) != 0)
        abort();
}

/* The object's bytes have the digest under which they were asked for. */
static bool is_handed_out(const struct shelf *shelf, const struct list_entry *entry)
{
    bool is_right = true;
    for (unsigned object = 0; object < SEGMENT_OBJECTS && is_right; object++) {
        uint8_t digest[32];
        uint64_t size = 0;
        int fd = shelf_open(shelf, entry->digest[object], (enum segment_object)object, &size);
        if (fd < 0)
            return false;
        char *bytes = mem_alloc(size);
        is_right = size == entry->size_bytes[object] && read(fd, bytes, size) == (ssize_t)size &&
                   EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL) &&
                   memcmp(digest, entry->digest[object], sizeof digest) == 0;
        mem_free(bytes);
        (void)close(fd);
    }
    return is_right;
}

static void replaced_lists_stay_readable(void)
{
    struct sample sample;
    uint64_t size;
    sample_make(&sample, 2, 20);
    struct depot *depot = open_kept(1, 0, 3600);
    struct shelf *none = depot_shelf(depot);
    OK(!none, "what was never published is on no shelf");
    replace(depot, &sample, 5);
    struct shelf *first = depot_shelf(depot);
    struct list_entry entry = shelf_current(first)->entries[0];
    OK(is_handed_out(first, &entry), "an object is found by the SHA-256 of its bytes");
    OK(shelf_open(first, entry.digest[SEGMENT_CORE], SEGMENT_DETAIL, &size) == -ENOENT,
       "and by which of the two it is");
    for (uint32_t i = 6; i < 10; i++)
        replace(depot, &sample, i);
    struct shelf *last = depot_shelf(depot);
    OK(shelf_version(last, 1, 1) && shelf_version(last, 1, 5) && !shelf_version(last, 1, 6) &&
           !shelf_version(last, 2, 1),
       "lists that were replaced lately are there by version");
    OK(is_handed_out(first, &entry) && is_handed_out(last, &entry), "with their objects");
    depot_close(&depot);
    depot = open_kept(1, 0, 3600);
    struct shelf *again = depot_shelf(depot);
    OK(shelf_version(again, 1, 1) && is_handed_out(again, &entry), "also after a restart");
    depot_close(&depot);
    depot = open_kept(1, 0, 0);
    replace(depot, &sample, 11);
    OK(!is_handed_out(again, &entry), "past their time they are swept");
    struct shelf *swept = depot_shelf(depot);
    OK(shelf_version(swept, 1, 5) && !shelf_version(swept, 1, 4), "but for the one before");
    depot_close(&depot);
    shelf_unref(&first);
    shelf_unref(&last);
    shelf_unref(&again);
    shelf_unref(&swept);
    clear_folder();
    sample_free(&sample);
}

static size_t lists_of(struct depot *depot, uint64_t upto)
{
    size_t count = 0;
    struct shelf *shelf = depot_shelf(depot);
    for (uint64_t number = 1; number <= upto; number++)
        count += shelf_version(shelf, 1, number) != NULL;
    shelf_unref(&shelf);
    return count;
}

static void replaced_lists_are_bounded(void)
{
    struct sample sample;
    sample_make(&sample, 2, 20);
    struct depot *depot = open_kept(1, 0, 1 << 30);
    for (unsigned i = 0; i < 40; i++)
        replace(depot, &sample, 10 + i % 2);
    OK(lists_of(depot, 40) == SHELF_MAX_LISTS, "no more lists are kept than a shelf holds");
    depot_close(&depot);
    clear_folder();
    sample_free(&sample);
}

/* Who follows this origin may have a copy of a lost one's catalogue, found by number. */
static void segments_of_another_history_have_other_numbers(void)
{
    struct sample sample;
    sample_make(&sample, 2, 20);
    for (uint64_t began = 1000; began <= 3000; began += 1000) {
        struct depot *depot = open_kept(began, began, 0);
        replace(depot, &sample, (uint32_t)(began / 1000) + 4);
        uint64_t number = depot_current(depot)->entries[0].number;
        OK(number > began && number < began + 1000, "new segments are numbered from the start on");
        depot_close(&depot);
        if (began == 2000)
            clear_folder(); /* the disk is lost */
    }
    clear_folder();
    sample_free(&sample);
}

static void versions_never_go_backwards(void)
{
    struct sample sample;
    sample_make(&sample, 2, 20);
    struct depot *depot = open_kept(1, 5000, 0);
    replace(depot, &sample, 5);
    OK(depot_version(depot) == 5001, "a new folder's numbers begin after the one given");
    depot_close(&depot);
    depot = open_kept(3, 9000, 0);
    struct shelf *shelf = depot_shelf(depot);
    OK(shelf_current(shelf)->epoch == 3 && shelf_current(shelf)->number > 5001 &&
           tracks_of(depot) == 5,
       "a raised epoch is published at once, with the same tracks");
    shelf_unref(&shelf);
    depot_close(&depot);
    depot = open_kept(2, 0, 0);
    replace(depot, &sample, 6);
    shelf = depot_shelf(depot);
    OK(shelf_current(shelf)->epoch == 3, "an epoch is never lowered");
    shelf_unref(&shelf);
    depot_close(&depot);
    clear_folder();
    sample_free(&sample);
}

/* Makes the current list one of major 1: the digests are those in the objects' headers. */
static void age_list(void)
{
    struct list list;
    struct buffer bytes;
    char path[128];
    int at = open(folder, O_RDONLY | O_DIRECTORY);
    if (!depot_read_list(at, 1, &list))
        abort();
    for (uint32_t i = 0; i < list.count; i++)
        for (unsigned object = 0; object < SEGMENT_OBJECTS; object++) {
            int fd = depot_open_object(at, list.entries[i].number, (enum segment_object)object);
            if (pread(fd, list.entries[i].digest[object], 32, FORMAT_DIGEST_AT) != 32)
                abort();
            (void)close(fd);
        }
    (void)close(at);
    buffer_init(&bytes, 4096);
    list_write(&list, &bytes);
    bytes.data[8] = 1;
    if (!EVP_Digest(bytes.data, bytes.size - 32, (uint8_t *)bytes.data + bytes.size - 32, NULL,
                    EVP_sha256(), NULL))
        abort();
    (void)snprintf(path, sizeof path, "%s/0000000000000001.list", folder);
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size)
        abort();
    (void)close(fd);
    buffer_release(&bytes);
}

static void lists_of_the_last_major_are_read(void)
{
    struct sample sample;
    sample_make(&sample, 2, 20);
    struct depot *depot = open_kept(1, 0, 3600);
    replace(depot, &sample, 5);
    depot_close(&depot);
    age_list();
    depot = open_kept(1, 0, 3600);
    struct shelf *shelf = depot_shelf(depot);
    OK(tracks_of(depot) == 5 && depot_version(depot) == 2, "a list of major 1 is published anew");
    OK(is_handed_out(shelf, &shelf_current(shelf)->entries[0]), "with digests of whole objects");
    OK(!shelf_version(shelf, 1, 1), "and not kept");
    shelf_unref(&shelf);
    depot_close(&depot);
    clear_folder();
    sample_free(&sample);
}

static void names_parse(void)
{
    uint64_t number = 0;
    enum depot_file kind = DEPOT_FILES;
    OK(depot_file_parse("00000000000000fe.core", &number, &kind) && number == 254 &&
           kind == DEPOT_CORE,
       "a segment's name");
    OK(depot_file_parse("0000000000000001.list.new", &number, &kind) && kind == DEPOT_NEW,
       "a file being written");
    OK(!depot_file_parse("1.core", &number, &kind) &&
           !depot_file_parse("00000000000000fe.txt", &number, &kind) &&
           !depot_file_parse("", &number, &kind),
       "other files are not ours");
}

int main(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/sostenuto-depot-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    names_parse();
    commits_last();
    random_histories();
    damage_is_refused();
    leftovers_are_swept();
    replaced_lists_stay_readable();
    replaced_lists_are_bounded();
    segments_of_another_history_have_other_numbers();
    versions_never_go_backwards();
    lists_of_the_last_major_are_read();
    (void)rmdir(folder);
    return tap_done();
}
