// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What happens to a cache from outside: it is killed at any moment, its files are damaged, its disk
 * hangs.  Whatever is found afterwards is right; what was committed and not harmed is found.
 */
#include "base/counters.h"
#include "cache_case.h"
#include "twin.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEYS = 60, KILLS = 25, FLIPS = 60 };

static const struct disk *disk;

static void open_again(uint64_t memory_bytes)
{
    cache_close(&cache);
    struct cache_config config = {.folder = folder,
                                  .disk = disk,
                                  .memory_bytes = memory_bytes,
                                  .disk_bytes = 1 << 30, /* so that nothing is evicted */
                                  .max_objects = 1000,
                                  .region_bytes = 4 << 20};
    if (cache_open(&config, &cache))
        abort();
}

static size_t size_of(unsigned key, uint8_t version)
{
    return (size_t)(hash_mix(key * 1000U + version) % (key % 7 == 0 ? 1900000 : 90000));
}

static void name(char key[16], unsigned number) { snprintf(key, 16, "/%u", number); }

/* Written by the child: which version of each key was begun, and which is on the disk. */
struct board {
    _Atomic uint8_t begun[KEYS], committed[KEYS];
};

static void child(struct board *board, uint64_t seed)
{
    case_open_loop();
    open_again(8 << 20);
    for (uint64_t i = 0;; i++) {
        unsigned key = (unsigned)(hash_mix(seed + i) % KEYS);
        uint8_t version = (uint8_t)(board->begun[key] + 1);
        char words[16];
        name(words, key);
        board->begun[key] = version;
        int64_t skipped = counter_get(COUNTER_CACHE_DISK_SKIPPED); /* a full queue stores nothing */
        if (put(words, size_of(key, version), version))
            abort();
        if (hash_mix(seed ^ i) % 4 == 0) {
            (void)find_and_forget(words);
            cache_settle(cache);
            if (counter_get(COUNTER_CACHE_DISK_SKIPPED) == skipped)
                board->committed[key] = version;
        }
    }
}

/* A kill leaves the version that was committed or a later one that was begun. */
static bool is_right(const struct board *board, unsigned key, bool *ret_is_there)
{
    char words[16];
    name(words, key);
    struct cache_object *object = find(words);
    *ret_is_there = object;
    if (!object)
        return true;
    bool is_one = false;
    uint8_t begun = board->begun[key], age = 0;
    for (; !is_one && age < 40; age++) {
        uint8_t version = (uint8_t)(begun - age);
        is_one = cache_object_length(object) == size_of(key, version) &&
                 reads_as(object, 0, bytes_of(size_of(key, version), version));
        if (version == board->committed[key])
            break;
    }
    cache_object_unref(object);
    return is_one;
}

static void kills(void)
{
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    case_begin();
    bool is_right_all = true, is_there_all = true;
    unsigned found = 0;
    for (uint64_t round = 0; round < KILLS; round++) {
        pid_t pid = fork();
        if (pid == 0)
            child(board, round * 1000003);
        usleep((useconds_t)(20000 + hash_mix(round) % 100000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        open_again(8 << 20);
        for (unsigned key = 0; key < KEYS; key++) {
            bool is_there;
            is_right_all = is_right(board, key, &is_there) && is_right_all;
            if (board->committed[key] && board->committed[key] == board->begun[key])
                is_there_all = is_there_all && is_there;
            found += is_there;
        }
        cache_close(&cache);
    }
    OK(is_right_all,
       "killed at any moment, what is found is whole and of a version that was written");
    OK(is_there_all, "and what was committed last is found");
    OK(found > KEYS, "and a good deal is");
    munmap(board, sizeof *board);
    case_end();
}

/* --- damage --- */
static uint64_t flip(const char *file, uint64_t seed)
{
    char path[400];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_RDWR);
    uint64_t at = 0;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        at = hash_mix(seed) % (uint64_t)status.st_size;
        uint8_t byte = 0;
        (void)!pread(fd, &byte, 1, (off_t)at);
        byte ^= (uint8_t)(1U << seed % 8);
        (void)!pwrite(fd, &byte, 1, (off_t)at);
    }
    close(fd);
    return at;
}

/* Some bits of every file but the keys, without which nothing would be found at all. */
static void flip_all(uint64_t seed)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "keys") != 0)
            for (uint64_t i = 0; i < 3; i++)
                flip(entry->d_name, seed * 31 + i);
    closedir(dir);
}

static void flips(void)
{
    bool is_right_all = true;
    unsigned found = 0, lost = 0;
    int64_t damaged = counter_get(COUNTER_CACHE_DISK_DAMAGED);
    case_begin();
    for (uint64_t round = 0; round < FLIPS; round++) {
        open_again(16 << 20);
        for (unsigned key = 0; key < KEYS; key++) {
            char words[16];
            name(words, key);
            if (!find_and_forget(words))
                (void)put(words, size_of(key, 1), 1);
        }
        cache_close(&cache);
        flip_all(round);
        open_again(16 << 20);
        for (unsigned key = 0; key < KEYS; key++) {
            char words[16];
            name(words, key);
            struct cache_object *object = find(words);
            bool is_good = object && cache_object_length(object) == size_of(key, 1) &&
                           reads_as(object, 0, bytes_of(size_of(key, 1), 1));
            found += is_good;
            bool is_wrong = object && !is_good && cache_object_state(object) != CACHE_FAILED;
            lost += !is_good && !is_wrong;
            is_right_all = is_right_all && !is_wrong;
            cache_object_unref(object);
        }
    }
    OK_GUARDED(GUARD_CACHE_SUMS, is_right_all,
               "with bits flipped anywhere no wrong byte is ever read");
    OK(lost > 0, "the objects that were hit are absent");
    printf("# %u found, %u lost\n", found, lost);
    OK(found > lost, "and nearly only those");
    OK(counter_get(COUNTER_CACHE_DISK_DAMAGED) > damaged || !guard_is_on(GUARD_CACHE_SUMS),
       "they are counted");
    case_end();
}

/* --- a disk that hangs --- */
static pthread_mutex_t hanging = PTHREAD_MUTEX_INITIALIZER;

static int slow_write(const struct disk *self UNUSED, int fd, const void *data, size_t size,
                      uint64_t at)
{
    pthread_mutex_lock(&hanging);
    pthread_mutex_unlock(&hanging);
    return disk_real.write_at(&disk_real, fd, data, size, at);
}

static int slow_read(const struct disk *self UNUSED, int fd, void *data, size_t size, uint64_t at)
{
    pthread_mutex_lock(&hanging);
    pthread_mutex_unlock(&hanging);
    return disk_real.read_at(&disk_real, fd, data, size, at);
}

static unsigned answers;
static void count(void *context UNUSED, struct cache_object *object)
{
    cache_object_unref(object);
    answers++;
}

static void hangs(void)
{
    struct disk slow = disk_real;
    slow.write_at = slow_write;
    slow.read_at = slow_read;
    case_begin();
    disk = &slow;
    open_again(8 << 20);
    (void)put("/there", 2000, 1);
    open_again(8 << 20);
    cache_settle(cache);
    pthread_mutex_lock(&hanging);
    int64_t skipped = counter_get(COUNTER_CACHE_DISK_SKIPPED);
    bool is_written = true;
    uint64_t most = 0;
    for (unsigned i = 0; i < 200; i++) {
        char words[16];
        name(words, i);
        is_written = put(words, 50000, 1) == 0 && is_written;
        uint64_t waiting = cache_status(cache).waiting_bytes;
        most = waiting > most ? waiting : most;
    }
    OK_GUARDED(GUARD_CACHE_QUEUE, most <= 4 << 20,
               "on a disk that hangs half of the memory waits for it, no more");
    OK_GUARDED(GUARD_CACHE_QUEUE, is_written && counter_get(COUNTER_CACHE_DISK_SKIPPED) > skipped,
               "the rest is kept in memory only");
    unsigned asked = 0;
    while (asked < 6000 && cache_ask(cache, TEXT("/there"), loop, count, NULL))
        asked++;
    OK_GUARDED(GUARD_CACHE_ASKS, asked == 4096, "look-ups that wait for it are bounded");
    pthread_mutex_unlock(&hanging);
    while (answers < asked) {
        loop_post(loop, case_woken, NULL);
        loop_run(loop);
    }
    OK(answers == asked, "and all are answered when it goes on");
    case_end();
    disk = NULL;
}

static void memory(void)
{
    case_begin();
    struct cache_config config = {.memory_bytes = 1 << 20};
    if (cache_open(&config, &cache))
        abort();
    for (unsigned i = 0; i < 100; i++) {
        char words[16];
        name(words, i);
        (void)put(words, 20000, 1);
    }
    OK_GUARDED(GUARD_CACHE_MEMORY, cache_status(cache).memory_bytes <= 1 << 20,
               "a megabyte of memory holds a megabyte");
    case_end();
}

int main(void)
{
    twin_begin();
    kills();
    flips();
    hangs();
    memory();
    return tap_done();
}
