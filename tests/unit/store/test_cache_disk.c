// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "cache_case.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct failing_disk failing;

static void open_again(void)
{
    cache_close(&cache);
    struct cache_config config = {.folder = folder,
                                  .disk = &failing.disk,
                                  .memory_bytes = 16 << 20,
                                  .disk_bytes = 64 << 20,
                                  .max_objects = 2000,
                                  .region_bytes = 4 << 20};
    if (cache_open(&config, &cache))
        abort();
}

static void begin(void)
{
    case_begin();
    failing_disk_init(&failing);
    open_again();
}

/* --- what is kept --- */
static void survives(void)
{
    begin();
    OK(cache_status(cache).disk_error == 0, "a cache with a folder has a disk");
    OK(put("/small", 700, 1) == 0 && put("/segment", 160000, 2) == 0 &&
           put("/large", 1900000, 3) == 0 && put("/empty", 0, 4) == 0,
       "objects of all sizes are written");
    cache_settle(cache);
    OK(cache_status(cache).disk_objects == 4, "and are on the disk");
    open_again();
    OK(cache_status(cache).memory_objects == 0, "opened again, nothing is in memory");
    OK(is_found("/small", 700, 1), "a small one is found, with its bytes");
    OK(is_found("/segment", 160000, 2), "one in several blocks, too");
    OK(is_found("/large", 1900000, 3), "one in several pieces, too");
    OK(is_found("/empty", 0, 4), "and an empty one");
    struct cache_object *object = find("/segment");
    uint8_t sha256[32];
    OK(cache_object_digest(object, sha256), "its digest was made");
    struct cache_piece piece = {TEXT_NONE, false, NULL};
    OK(cache_read(object, 0, &piece) == CACHE_READ_PIECE && piece.bytes.size == 160000,
       "and it is one piece");
    cache_piece_release(&piece);
    cache_object_unref(object);
    OK(!find("/never"), "what was never put is absent");
    cache_remove(cache, TEXT("/small"));
    OK(!find("/small"), "a removed object is absent");
    open_again();
    OK(!find("/small"), "also later");
    case_end();
}

static void updates(void)
{
    begin();
    char words[3000];
    memset(words, 'm', sizeof words);
    (void)!put("/a", 100000, 1);
    cache_settle(cache);
    for (size_t i = 0; i < 5; i++) {
        struct cache_object *object = find("/a");
        struct cache_meta meta = {.bytes = text_make(words, i * 700), .generation = i + 10};
        OK(cache_replace_meta(cache, object, &meta) == 0, "metadata is replaced");
        cache_object_unref(object);
        open_again();
        object = find("/a");
        const struct cache_meta *found = cache_object_meta(object);
        OK(found->bytes.size == i * 700 && found->generation == i + 10,
           "and found after a restart, whether it fits the place or not");
        cache_meta_unref(found);
        cache_object_unref(object);
        OK(is_found("/a", 100000, 1), "with the body as it was");
    }
    (void)!put("/a", 5000, 2);
    open_again();
    OK(is_found("/a", 5000, 2), "an object that is written anew replaces the older one");
    OK(cache_status(cache).disk_objects == 1, "which is not counted any more");
    uint64_t mark = cache_mark(cache, TEXT("tag"));
    struct cache_meta meta = {
        .generation = cache_generation(cache), .marks = &mark, .mark_count = 1};
    cache_purge(cache, mark);
    open_again();
    OK(cache_mark(cache, TEXT("tag")) == mark && cache_is_purged(cache, &meta),
       "a purge outlives the process");
    case_end();
}

/* The end of the purges' file gone by whole records: nothing in it shows that. */
static void loses_purges(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("tag")), other = cache_mark(cache, TEXT("other"));
    for (size_t i = 0; i < 5; i++)
        cache_purge(cache, other);
    const struct cache_meta old = {
        .generation = cache_generation(cache), .marks = &mark, .mark_count = 1};
    OK(!cache_is_purged(cache, &old), "what came after the purges is not purged");
    open_again();
    OK(!cache_is_purged(cache, &old), "nor after a restart");
    char path[sizeof folder + sizeof "/purges"];
    snprintf(path, sizeof path, "%s/purges", folder);
    OK(truncate(path, 24) == 0, "all purges but the first are lost");
    open_again();
    OK(cache_is_purged(cache, &old), "what is newer than all known purges is not trusted");
    cache_purge(cache, other);
    const struct cache_meta young = {
        .generation = cache_generation(cache), .marks = &mark, .mark_count = 1};
    cache_purge(cache, mark);
    OK(cache_is_purged(cache, &old) && cache_is_purged(cache, &young),
       "and a purge is one of all that was there before it");
    case_end();
}

static void parts(void)
{
    begin();
    struct cache_writer *writer;
    struct cache_draft draft = {.key = TEXT("/part"), .length = 3000000, .is_partial = true};
    bool ok = cache_write_begin(cache, &draft, &writer, NULL) == 0;
    ok =
        ok && cache_write_seek(writer, 70000) == 0 && cache_write(writer, bytes_of(200000, 5)) == 0;
    ok = ok && cache_write_seek(writer, 2000000) == 0 &&
         cache_write(writer, bytes_of(900001, 6)) == 0;
    OK(ok && cache_write_end(&writer, NULL) == 0, "two ranges are written");
    open_again();
    struct cache_object *object = find("/part");
    struct cache_range ranges[CACHE_RANGES_MAX];
    OK(object && cache_object_state(object) == CACHE_PARTIAL &&
           cache_object_ranges(object, ranges) == 2 && ranges[1].begin == 2000000,
       "and found after a restart");
    OK(reads_as(object, 70000, bytes_of(200000, 5)) &&
           reads_as(object, 2000000, bytes_of(900001, 6)),
       "with their bytes");
    cache_object_unref(object);
    case_end();
}

/* --- bounds --- */
static uint64_t folder_bytes(void)
{
    uint64_t bytes = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat status;
        if (fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
            bytes += (uint64_t)status.st_size;
    }
    closedir(dir);
    return bytes;
}

static void bounds(void)
{
    begin();
    bool is_within = true;
    char key[32];
    for (unsigned i = 0; i < 900; i++) {
        snprintf(key, sizeof key, "/%u", i);
        (void)!put(key, 150000 + i, (uint8_t)i);
        if (i % 50 == 0)
            (void)!find_and_forget("/7"); /* asked for again and again */
        cache_settle(cache);
        is_within =
            is_within && folder_bytes() <= 64 << 20 && cache_status(cache).disk_bytes <= 64 << 20;
    }
    OK(is_within, "135 MB in 64 MB of disk are never over it");
    OK(cache_status(cache).disk_bytes > 48 << 20, "and it is well used");
    OK(cache_status(cache).memory_bytes <= 16 << 20, "nor is the memory over its bound");
    open_again();
    OK(is_found("/899", 150899, (uint8_t)899), "what came last is there");
    OK(is_found("/7", 150007, 7), "what was asked for all the time is, too");
    OK(!find("/100"), "what nobody asked for again is not");
    for (unsigned i = 0; i < 4000; i++) {
        snprintf(key, sizeof key, "/tiny/%u", i);
        (void)!put(key, 10, (uint8_t)i);
        cache_settle(cache);
    }
    OK(cache_status(cache).disk_objects <= 2000, "nor are there more objects than may be");
    OK(is_found("/tiny/3999", 10, (uint8_t)3999), "the newest of many is there");
    case_end();
}

/* --- who leaves, over a restart --- */
static void pass_by(const char *kind, unsigned count)
{
    char key[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "/%s/%u", kind, i);
        (void)!put(key, 150000, (uint8_t)i);
        cache_settle(cache);
    }
}

static void order_survives(void)
{
    enum { TURN = 450 };
    begin();
    for (unsigned i = 0; i < 16; i++) { /* wanted: asked of the disk each time */
        (void)!put("/wanted", 150007, 7);
        cache_settle(cache);
        (void)!find_and_forget("/wanted");
        open_again();
    }
    pass_by("first", TURN);
    OK(is_found("/wanted", 150007, 7), "what was wanted often outlives a turn of the disk");
    pass_by("second", TURN);
    open_again();
    pass_by("third", TURN);
    open_again();
    OK(is_found("/wanted", 150007, 7), "also with a restart on the way: heads of regions know");
    OK(!find("/second/0"), "while what nobody wanted leaves");
    case_end();
}

static void larger_than_a_region(void)
{
    begin();
    cache_close(&cache);
    struct cache_config config = {.folder = folder,
                                  .disk = &failing.disk,
                                  .memory_bytes = 16 << 20,
                                  .disk_bytes = 64 << 20,
                                  .max_objects = 2000,
                                  .region_bytes = 1 << 20};
    bool is_within = cache_open(&config, &cache) == 0;
    char key[32];
    for (unsigned i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "/large/%u", i);
        (void)!put(key, 1900000, (uint8_t)i);
        cache_settle(cache);
        is_within = is_within && folder_bytes() <= 64 << 20;
    }
    OK(is_within, "objects that are larger than a region stay within the bound");
    cache_close(&cache);
    OK(cache_open(&config, &cache) == 0 && is_found("/large/59", 1900000, 59),
       "and are found after a restart");
    OK(cache_status(cache).disk_objects > 25, "as many as fit");
    case_end();
}

/* --- a disk in trouble --- */
static void troubles(void)
{
    begin();
    (void)!put("/before", 50000, 1);
    cache_settle(cache);
    failing.fail_writes = true;
    failing.error = -EROFS;
    OK(put("/during", 50000, 2) == 0,
       "on a disk that takes nothing an object is written all the same");
    cache_settle(cache);
    OK(is_found("/during", 50000, 2), "and found in memory");
    OK(cache_status(cache).disk_error == -EROFS, "the status says why");
    (void)!put("/before", 60000, 3);
    cache_settle(cache);
    failing.fail_writes = false;
    open_again();
    OK(!find("/during"), "it is gone with the process");
    OK(!is_found("/before", 50000, 1),
       "an older object does not come back in the place of a newer");
    (void)!put("/full", 50000, 4);
    cache_settle(cache);
    failing.capacity_bytes = 30000;
    (void)!put("/more", 50000, 5);
    cache_settle(cache);
    OK(is_found("/more", 50000, 5) && is_found("/full", 50000, 4),
       "a full disk loses nothing that it has");
    failing.capacity_bytes = UINT64_MAX;
    open_again();
    (void)!put("/after", 50000, 6);
    open_again();
    OK(is_found("/full", 50000, 4) && is_found("/after", 50000, 6),
       "with room it goes on behind what was torn");
    open_again();
    failing.fail_reads = true;
    failing.error = -EIO;
    OK(!find("/full"), "on a dead disk an object is absent");
    OK(put("/memory", 50000, 7) == 0 && is_found("/memory", 50000, 7), "and memory goes on");
    failing.fail_reads = false;
    OK(is_found("/full", 50000, 4), "when it reads again the object is there again");
    case_end();
}

static void streams(void)
{
    begin();
    (void)!put("/large", 1900000, 3);
    open_again();
    struct cache_object *object = find("/large");
    OK(reads_as(object, 0, bytes_of(1000, 3)), "a large object is read from its beginning");
    failing.fail_reads = true;
    OK(!reads_as(object, 0, bytes_of(1900000, 3)), "a disk that dies meanwhile ends it as failed");
    OK(cache_object_state(object) == CACHE_FAILED, "and says so");
    failing.fail_reads = false;
    cache_object_unref(object);
    OK(is_found("/large", 1900000, 3), "the next one who asks gets it");

    object = find("/large");
    char key[32];
    for (unsigned i = 0; i < 900; i++) {
        snprintf(key, sizeof key, "/%u", i);
        (void)!put(key, 150000, (uint8_t)i);
        cache_settle(cache);
    }
    OK(reads_as(object, 0, bytes_of(1900000, 3)),
       "who reads an object reads it to its end, whatever is evicted");
    cache_object_unref(object);
    case_end();
}

/* A folder that another cache has; one that cannot be. */
static void folders(void)
{
    begin();
    struct cache *other = NULL;
    struct cache_config config = {.folder = folder};
    OK(cache_open(&config, &other) == -EWOULDBLOCK, "a folder belongs to one cache");
    config.folder = "/proc/nowhere";
    OK(cache_open(&config, &other) == 0 && cache_status(other).disk_error != 0,
       "without a folder that can be made it is a cache of memory");
    cache_close(&other);
    case_end();
}

/* To another process, while who reads reads on. */
static void gives_the_folder_up(void)
{
    begin();
    struct cache *first = cache;
    (void)!put("/small", 700, 1);
    (void)!put("/large", 1900000, 2);
    cache_settle(cache);
    open_again();
    first = cache;
    struct cache_object *read = find("/large");
    (void)!put("/last", 160000, 3);
    cache_let_go(first);
    cache = NULL;
    open_again();
    OK(cache_status(cache).disk_error == 0, "another opens the folder at once");
    OK(is_found("/small", 700, 1), "and finds what was there");
    OK(is_found("/last", 160000, 3), "and what was on its way to the disk");
    struct cache *second = cache;
    char key[32];
    for (unsigned i = 0; i < 900; i++) {
        snprintf(key, sizeof key, "/%u", i);
        (void)!put(key, 150000, (uint8_t)i);
        cache_settle(cache);
    }
    cache_remove(cache, TEXT("/large"));
    OK(!find_and_forget("/large"), "with which it does as it likes");
    cache = first;
    OK(reads_as(read, 0, bytes_of(1900000, 2)), "who reads it at the first reads it to its end");
    cache_object_unref(read);
    OK(put("/after", 700, 4) == 0 && is_found("/after", 700, 4), "the first has its memory");
    cache_settle(first);
    cache_remove(first, TEXT("/899"));
    cache_purge(first, cache_mark(first, TEXT("tag")));
    cache_let_go(first);
    cache_close(&cache);
    cache = second;
    open_again();
    OK(cache_status(cache).disk_error == 0 && is_found("/899", 150000, (uint8_t)899),
       "and when it ends it takes nothing along");
    OK(!find_and_forget("/after"), "nor leaves anything");
    case_end();
}

int main(void)
{
    survives();
    updates();
    loses_purges();
    parts();
    bounds();
    order_survives();
    larger_than_a_region();
    troubles();
    streams();
    folders();
    gives_the_folder_up();
    return tap_done();
}
