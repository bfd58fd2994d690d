// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/database.h"
#include "library/loudness.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

static const uint8_t one[16] = {1}, two[16] = {2};

static struct loudness_book *open_book(const char *path)
{
    struct loudness_book *book = NULL;
    char why[LOUDNESS_WHY_BYTES];
    return loudness_open(path, &book, why) ? NULL : book;
}

static bool says(struct loudness_book *book, const uint8_t track[16], int32_t mlufs, uint32_t peak)
{
    struct loudness got;
    return loudness_find(book, track, &got) && got.mlufs == mlufs && got.peak_ppm == peak;
}

static void test_is_kept(const char *path)
{
    /* of bin 300 one, and in the later measurement of bin 301 two */
    static const char blocks[] = {44, 1, 1, 0, 1}, later[] = {44, 1, 2, 0, 1, 2};
    struct gating sum = {0};
    struct loudness got;
    struct loudness_book *book = open_book(path);
    OK(book != NULL && !loudness_find(book, one, &got), "an empty book knows nothing");
    loudness_note(book, one, &(struct loudness){-9500, 988553}, text_make(blocks, 5));
    loudness_note(book, two, &(struct loudness){-70000, 0}, TEXT_NONE);
    loudness_note(book, one, &(struct loudness){-9400, 1200000}, text_make(later, sizeof later));
    OK(says(book, one, -9400, 1200000), "the later measurement counts");
    loudness_close(&book);
    book = open_book(path);
    OK(book && says(book, one, -9400, 1200000) && says(book, two, -70000, 0),
       "both are there after a restart");
    OK(loudness_add_blocks(book, one, &sum) && loudness_add_blocks(book, one, &sum) &&
           sum.counts[300] == 2 && sum.counts[301] == 4 && !loudness_add_blocks(book, two, &sum),
       "with the blocks of the one that has some");
    loudness_close(&book);
    loudness_close(&book);
    OK(!book, "closing twice is harmless");
}

/* As a scan does for as long as its transaction takes. */
static void test_busy_database(const char *path)
{
    char why[256];
    struct database *scan = NULL;
    struct loudness_book *book = open_book(path);
    OK(library_database_open(path, DATABASE_WRITE, &scan, why) == 0, "a scan writes");
    database_begin(scan);
    loudness_note(book, one, &(struct loudness){-8000, 5}, TEXT_NONE);
    OK(says(book, one, -8000, 5), "what cannot be kept now is known now");
    OK(database_commit(scan) == 0, "the scan is done");
    library_database_close(&scan);
    loudness_close(&book);
    book = open_book(path);
    OK(says(book, one, -8000, 5), "and it was kept at the end");
    loudness_close(&book);
}

int main(void)
{
    static const char *const leftovers[] = {"library.db", "library.db-wal", "library.db-shm"};
    char folder[] = "/tmp/loudness-XXXXXX", path[64], why[LOUDNESS_WHY_BYTES];
    struct loudness_book *book = NULL;
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/library.db", folder);
    test_is_kept(path);
    test_busy_database(path);
    OK(loudness_open("/nonexistent/library.db", &book, why) < 0 && !book && *why,
       "a database that cannot be opened is told");
    for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, leftovers[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return tap_done();
}
