// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A million objects on the disk of a process that was killed: found at once by the next, with an
 * index of few bytes each.  Builds with a sanitizer, which say nothing about time and memory, take
 * a fiftieth of them.
 */
#include "cache_case.h"
#include "io/clock.h"
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { IS_FAST = 0, OBJECTS = 20000 };
#else
enum { IS_FAST = 1, OBJECTS = 1000000 };
#endif
enum { FIRST_HIT_MS = 50, INDEX_BYTES = 32, BODY_BYTES = 100, ASKED = 200 };

static void open_big(void)
{
    struct cache_config config = {.folder = folder,
                                  .memory_bytes = 16 << 20,
                                  .disk_bytes = (uint64_t)3 << 30,
                                  .max_objects = OBJECTS + OBJECTS / 20};
    if (cache_open(&config, &cache))
        abort();
}

static void name(char key[24], unsigned number) { snprintf(key, 24, "/o/%u", number); }

/* Never closes: the next process finds what a kill left. */
static void fill(void)
{
    char key[24];
    open_big();
    for (unsigned i = 0; i < OBJECTS; i++) {
        name(key, i);
        if (put(key, BODY_BYTES, (uint8_t)i))
            abort();
        if (i % 5000 == 4999)
            cache_settle(cache);
    }
    cache_settle(cache);
    kill(getpid(), SIGKILL);
}

static uint64_t resident_bytes(void)
{
    unsigned long all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &all, &resident) != 2)
        abort();
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of the whole process: what others take of the machine is not in it. */
static double processor_ms(void) { return (double)clock() * 1000 / CLOCKS_PER_SEC; }

static unsigned found_of_some(void)
{
    unsigned found = 0;
    for (unsigned i = 0; i < ASKED; i++) {
        char key[24];
        unsigned number = (unsigned)(hash_mix(i) % OBJECTS);
        name(key, number);
        found += is_found(key, BODY_BYTES, (uint8_t)number);
    }
    return found;
}

int main(void)
{
    int status = 0;
    (void)mallopt(M_PERTURB,
                  0); /* meson has each byte written that malloc gives: no test of memory */
    snprintf(folder, sizeof folder, "/tmp/test_cache.XXXXXX");
    if (!mkdtemp(folder))
        abort();
    pid_t child = fork();
    if (child == 0)
        fill();
    waitpid(child, &status, 0);
    OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it filled its disk and was killed");

    case_open_loop();
    uint64_t resident = resident_bytes(), start_us = clock_monotonic_us();
    double start_ms = processor_ms();
    open_big();
    bool is_right = is_found("/o/7", BODY_BYTES, 7);
    double first_ms = (double)(clock_monotonic_us() - start_us) / 1000;
    double spent_ms = processor_ms() - start_ms;
    OK(is_right, "the first object that is asked for is there");
    OK(!IS_FAST || first_ms < FIRST_HIT_MS || spent_ms < FIRST_HIT_MS,
       "within 50 ms of the opening, or of the processor's time on a busy machine");

    cache_settle(cache); /* the whole index is in memory now */
    uint64_t objects = cache_status(cache).disk_objects;
    double bytes = (double)(resident_bytes() - resident) / (double)objects;
    OK(!IS_FAST || bytes <= INDEX_BYTES, "an object costs at most 32 bytes of memory");
    OK(objects >= OBJECTS / 100 * 99, "at least 99 of 100 are in");
    unsigned found = found_of_some();
    OK(found >= ASKED / 100 * 98, "and are found, whole");
    printf("# %llu objects, first hit after %.1f ms (%.1f of processor), %.1f bytes each, %u of %d "
           "found\n",
           (unsigned long long)objects, first_ms, spent_ms, bytes, found, ASKED);
    case_end();
    return tap_done();
}
