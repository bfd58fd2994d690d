// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_pages.h"
#include "base/mem.h"
#include <assert.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LEAST_SHIFT = 14, MOST_SHIFT = 21, CLASSES = MOST_SHIFT - LEAST_SHIFT + 1 };

struct pages_class {
    uint32_t *spare; /* places that were given back */
    size_t spare_count, spare_room;
    uint32_t fresh, most; /* the first place that was never taken; how many there are */
};

struct pages {
    char *mapped, *first; /* all addresses; the first run, aligned as the largest is */
    uint64_t mapped_bytes, class_bytes;
    size_t page_bytes;
    pthread_mutex_t lock; /* guards the classes */
    struct pages_class classes[CLASSES];
};

/* --- addresses --- */

static bool map_all(struct pages *pages)
{
    uint64_t last_class = (CLASSES - 1) * pages->class_bytes;
    pages->mapped_bytes = CLASSES * pages->class_bytes + PAGES_MOST;
    void *map = mmap(NULL, pages->mapped_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    pages->mapped = map;
    pages->first = pages->mapped + (-(uintptr_t)map & (PAGES_MOST - 1));
    (void)madvise(map, pages->mapped_bytes, MADV_DONTDUMP);
    (void)madvise(pages->first, last_class, MADV_NOHUGEPAGE); /* a kernel may have none */
    (void)madvise(pages->first + last_class, pages->class_bytes, MADV_HUGEPAGE);
    return true;
}

struct pages *pages_new(uint64_t limit_bytes)
{
    struct pages *pages = MEM_NEW(struct pages);
    uint64_t most = (limit_bytes >> MOST_SHIFT) + 1;
    pages->class_bytes = (2 * most) << MOST_SHIFT;
    pages->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    pthread_mutex_init(&pages->lock, NULL);
    for (size_t i = 0; i < CLASSES; i++) {
        uint64_t places = pages->class_bytes >> (LEAST_SHIFT + i);
        pages->classes[i].most = places < UINT32_MAX ? (uint32_t)places : UINT32_MAX;
    }
    if (pages->page_bytes > PAGES_LEAST || most > UINT32_MAX || !map_all(pages))
        pages_free(&pages);
    return pages;
}

void pages_free(struct pages **pages)
{
    struct pages *gone = *pages;
    if (!gone)
        return;
    for (size_t i = 0; i < CLASSES; i++) {
        assert(gone->classes[i].spare_count == gone->classes[i].fresh);
        mem_free(gone->classes[i].spare);
    }
    if (gone->mapped)
        munmap(gone->mapped, gone->mapped_bytes);
    pthread_mutex_destroy(&gone->lock);
    mem_free_p(pages);
}

/* --- places --- */

static size_t class_of(size_t size)
{
    size_t class = 0;
    while ((size_t)PAGES_LEAST << class < size)
        class ++;
    return class;
}

static bool take_place(struct pages *pages, size_t class, uint32_t *ret)
{
    struct pages_class *from = &pages->classes[class];
    pthread_mutex_lock(&pages->lock);
    bool is_taken = from->spare_count > 0 || from->fresh < from->most;
    if (from->spare_count > 0)
        *ret = from->spare[--from->spare_count];
    else if (is_taken)
        *ret = from->fresh++;
    pthread_mutex_unlock(&pages->lock);
    return is_taken;
}

static void give_place(struct pages *pages, size_t class, uint32_t place)
{
    struct pages_class *to = &pages->classes[class];
    pthread_mutex_lock(&pages->lock);
    if (to->spare_count == to->spare_room) {
        to->spare_room = to->spare_room ? 2 * to->spare_room : 16;
        to->spare = mem_realloc_array(to->spare, to->spare_room, sizeof to->spare[0]);
    }
    to->spare[to->spare_count++] = place;
    pthread_mutex_unlock(&pages->lock);
}

/* --- runs --- */

size_t pages_round(const struct pages *pages, size_t size)
{
    return (size + pages->page_bytes - 1) & ~(pages->page_bytes - 1);
}

/* The pages are this process's no more; who has references to them keeps them as they are. */
static void drop(char *bytes, size_t size)
{
    int failed = madvise(bytes, size, MADV_DONTNEED);
    assert(!failed); /* what stayed would be written again, under the hands of who reads it */
}

bool pages_take(struct pages *pages, size_t size, struct pages_run *ret)
{
    uint32_t place;
    assert(size >= PAGES_LEAST && size <= PAGES_MOST);
    size_t class = class_of(size);
    if (!take_place(pages, class, &place))
        return false;
    struct pages_run run = {pages->first + class * pages->class_bytes +
                                ((uint64_t)place << (LEAST_SHIFT + class)),
                            pages_round(pages, size)};
    *ret = run;
    if (madvise(run.bytes, run.size, MADV_POPULATE_WRITE) == 0) /* in one go, not page by page */
        return true;
    pages_give_back(pages, &run);
    return false;
}

void pages_trim(struct pages *pages, struct pages_run *run, size_t size)
{
    size_t kept = pages_round(pages, size);
    if (kept < run->size)
        drop(run->bytes + kept, run->size - kept);
    run->size = kept;
}

void pages_give_back(struct pages *pages, const struct pages_run *run)
{
    uint64_t offset = (uint64_t)(run->bytes - pages->first);
    size_t class = (size_t)(offset / pages->class_bytes);
    drop(run->bytes, run->size);
    give_place(pages, class, (uint32_t)(offset % pages->class_bytes >> (LEAST_SHIFT + class)));
}
