// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What of a purge is kept when the power goes: a disk under the purges' file that holds writes back
 * until they are synced, hangs or fails as told, and forgets all at once.
 */
#include "base/mem.h"
#include "cache_case.h"
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWN_PURGES = 3000 };

static struct {
    struct disk disk;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char bytes[1 << 20]; /* of the file as the process sees it */
    size_t size;
    int error; /* of every sync */
    bool hangs, is_cut;
    size_t hanging, syncs;
} lossy = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool is_of_purges(int fd)
{
    char path[sizeof folder + sizeof "/purges"];
    struct stat theirs, its;
    snprintf(path, sizeof path, "%s/purges", folder);
    return stat(path, &theirs) == 0 && fstat(fd, &its) == 0 && its.st_ino == theirs.st_ino;
}

static int lossy_write_at(const struct disk *disk UNUSED, int fd, const void *data, size_t size,
                          uint64_t at)
{
    if (!is_of_purges(fd))
        return disk_real.write_at(&disk_real, fd, data, size, at);
    pthread_mutex_lock(&lossy.lock);
    if (at + size > sizeof lossy.bytes)
        abort();
    memcpy(lossy.bytes + at, data, size);
    if (at + size > lossy.size)
        lossy.size = at + size;
    pthread_mutex_unlock(&lossy.lock);
    return 0;
}

static int lossy_sync(const struct disk *disk UNUSED, int fd)
{
    if (!is_of_purges(fd))
        return disk_real.sync(&disk_real, fd);
    pthread_mutex_lock(&lossy.lock);
    lossy.hanging++;
    pthread_cond_broadcast(&lossy.changed);
    while (lossy.hangs)
        pthread_cond_wait(&lossy.changed, &lossy.lock);
    lossy.hanging--;
    lossy.syncs++;
    int error = lossy.error;
    if (!error && !lossy.is_cut)
        error = disk_real.write_at(&disk_real, fd, lossy.bytes, lossy.size, 0);
    pthread_mutex_unlock(&lossy.lock);
    return error;
}

static void set_hangs(bool hangs)
{
    pthread_mutex_lock(&lossy.lock);
    lossy.hangs = hangs;
    pthread_cond_broadcast(&lossy.changed);
    pthread_mutex_unlock(&lossy.lock);
}

static void set_error(int error)
{
    pthread_mutex_lock(&lossy.lock);
    lossy.error = error;
    pthread_mutex_unlock(&lossy.lock);
}

static void wait_until_it_hangs(void)
{
    pthread_mutex_lock(&lossy.lock);
    while (lossy.hanging == 0)
        pthread_cond_wait(&lossy.changed, &lossy.lock);
    pthread_mutex_unlock(&lossy.lock);
}

/* --- who is told --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    int error; /* of the last */
} told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void on_kept(void *context UNUSED, int error)
{
    pthread_mutex_lock(&told.lock);
    told.count++;
    told.error = error;
    pthread_cond_broadcast(&told.changed);
    pthread_mutex_unlock(&told.lock);
}

static size_t told_count(void)
{
    pthread_mutex_lock(&told.lock);
    size_t count = told.count;
    pthread_mutex_unlock(&told.lock);
    return count;
}

static int wait_until_told(size_t count)
{
    pthread_mutex_lock(&told.lock);
    while (told.count < count)
        pthread_cond_wait(&told.changed, &told.lock);
    int error = told.error;
    pthread_mutex_unlock(&told.lock);
    return error;
}

/* --- a cache --- */

static void open_it(const struct disk *disk)
{
    struct cache_config config = {.folder = folder,
                                  .disk = disk,
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
    told.count = 0;
    lossy.size = lossy.syncs = 0;
    lossy.error = 0;
    lossy.hangs = lossy.is_cut = false;
    lossy.disk = disk_real;
    lossy.disk.write_at = lossy_write_at;
    lossy.disk.sync = lossy_sync;
    open_it(&lossy.disk);
}

/* What is not synced is gone; then the next start, on a good disk. */
static void cut_the_power(void)
{
    pthread_mutex_lock(&lossy.lock);
    lossy.is_cut = true;
    lossy.hangs = false;
    pthread_cond_broadcast(&lossy.changed);
    pthread_mutex_unlock(&lossy.lock);
    cache_close(&cache);
    open_it(NULL);
}

static struct cache_meta meta_with(const uint64_t *mark)
{
    return (struct cache_meta){
        .generation = cache_generation(cache), .marks = mark, .mark_count = 1};
}

/* --- claims --- */

static void is_kept_when_told(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("tag")), other = cache_mark(cache, TEXT("other"));
    const struct cache_meta meta = meta_with(&mark), untouched = meta_with(&other);
    cache_purge_kept(cache, mark, on_kept, NULL);
    OK(wait_until_told(1) == 0, "who purges is told that it is kept");
    cut_the_power();
    OK(cache_is_purged(cache, &meta), "and no power cut undoes that");
    OK(!cache_is_purged(cache, &untouched), "what was not purged is not");
    case_end();
}

static void nobody_waits_for_the_disk(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("a")), other = cache_mark(cache, TEXT("b"));
    const struct cache_meta meta = meta_with(&mark), others = meta_with(&other);
    set_hangs(true);
    cache_purge_kept(cache, mark, on_kept, NULL);
    wait_until_it_hangs();
    for (size_t i = 0; i < 100; i++)
        cache_purge_kept(cache, other, on_kept, NULL);
    OK(cache_is_purged(cache, &meta) && cache_is_purged(cache, &others),
       "a disk that hangs stops no purge");
    OK(told_count() == 0, "nobody is told before the disk has it");
    set_hangs(false);
    OK(wait_until_told(101) == 0 && lossy.syncs == 2, "what came meanwhile shares one sync");
    cut_the_power();
    OK(cache_is_purged(cache, &meta) && cache_is_purged(cache, &others), "and all of it is kept");
    case_end();
}

static void a_full_disk_is_an_answer(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("a")), other = cache_mark(cache, TEXT("b"));
    const struct cache_meta meta = meta_with(&mark);
    set_error(-ENOSPC);
    cache_purge_kept(cache, mark, on_kept, NULL);
    OK(wait_until_told(1) == -ENOSPC, "a purge that the disk did not take is not said to be kept");
    OK(cache_is_purged(cache, &meta), "and holds all the same");
    set_error(0);
    cache_purge_kept(cache, other, on_kept, NULL);
    OK(wait_until_told(2) == 0, "the next one is taken");
    cut_the_power();
    OK(cache_is_purged(cache, &meta), "and with it what failed before");
    case_end();
}

static void what_nobody_waits_for(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("a")), other = cache_mark(cache, TEXT("b"));
    const struct cache_meta meta = meta_with(&mark);
    cache_purge(cache, mark);
    cache_purge_kept(cache, other, on_kept, NULL);
    OK(wait_until_told(1) == 0, "of two the second is asked about");
    cut_the_power();
    OK(cache_is_purged(cache, &meta), "and the first is kept with it");
    case_end();
}

static void more_than_can_wait(void)
{
    begin();
    const uint64_t mark = cache_mark(cache, TEXT("never purged"));
    const struct cache_meta older = meta_with(&mark);
    set_hangs(true);
    cache_purge_kept(cache, 3, on_kept, NULL);
    wait_until_it_hangs();
    for (uint64_t i = 0; i < OWN_PURGES; i++)
        cache_purge(cache, 5 + 2 * i);
    const uint64_t last = 5 + 2 * (OWN_PURGES - 1);
    OK(!cache_is_purged(cache, &older), "a long list purges nothing else");
    cache_purge_kept(cache, 3, on_kept, NULL);
    set_hangs(false);
    OK(wait_until_told(2) == 0, "it is kept when the disk is back");
    const struct cache_meta after = meta_with(&last);
    cut_the_power();
    struct cache_meta first = older;
    first.marks = &(const uint64_t){5};
    OK(cache_is_purged(cache, &first), "what was purged is");
    OK(!cache_is_purged(cache, &after), "what came since is not");
    case_end();
}

int main(void)
{
    is_kept_when_told();
    nobody_waits_for_the_disk();
    a_full_disk_is_an_answer();
    what_nobody_waits_for();
    more_than_can_wait();
    return tap_done();
}
