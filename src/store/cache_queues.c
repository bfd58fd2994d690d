// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_queues.h"
#include "base/hash.h"
#include "base/mem.h"
#include <string.h>

enum { WAYS = 8, LEAST_SETS = 16, HITS_MAX = 3, PROBATION_SHARE = 10, PROTECTED_SHARE = 5 };

struct queues {
    size_t sets;
    uint32_t *ghosts; /* sets of WAYS, the newest first; 0: none */
};

struct queues *queues_new(uint64_t max_objects)
{
    struct queues *queues = MEM_NEW(struct queues);
    queues->sets = LEAST_SETS;
    while (queues->sets * WAYS < max_objects)
        queues->sets *= 2;
    queues->ghosts = mem_zalloc(queues->sets * WAYS * sizeof(uint32_t));
    return queues;
}

void queues_free(struct queues **queues)
{
    if (!*queues)
        return;
    mem_free((*queues)->ghosts);
    mem_free_p(queues);
}

static uint32_t *ghosts_of(struct queues *queues, uint64_t hash, uint32_t *ret_print)
{
    uint64_t mixed = hash_mix(hash);
    *ret_print = (uint32_t)mixed | 1;
    return queues->ghosts + ((mixed >> 32) & (queues->sets - 1)) * WAYS;
}

void queues_remember(struct queues *queues, uint64_t hash)
{
    uint32_t print, *ghosts = ghosts_of(queues, hash, &print);
    memmove(ghosts + 1, ghosts, (WAYS - 1) * sizeof ghosts[0]);
    ghosts[0] = print;
}

static bool forget(struct queues *queues, uint64_t hash)
{
    uint32_t print, *ghosts = ghosts_of(queues, hash, &print);
    for (size_t i = 0; i < WAYS; i++) {
        if (ghosts[i] == print) {
            memmove(ghosts + i, ghosts + i + 1, (WAYS - 1 - i) * sizeof ghosts[0]);
            ghosts[WAYS - 1] = 0;
            return true;
        }
    }
    return false;
}

static enum evict_queue home_of(uint64_t size_bytes)
{
    return size_bytes < EVICT_SMALL_BYTES ? EVICT_PROTECTED : EVICT_MAIN;
}

enum evict_queue queues_admit(struct queues *queues, uint64_t hash, uint64_t size_bytes)
{
    return forget(queues, hash) ? home_of(size_bytes) : EVICT_PROBATION;
}

enum evict_queue queues_which(const uint64_t bytes[EVICT_QUEUES])
{
    uint64_t all = bytes[EVICT_PROBATION] + bytes[EVICT_MAIN] + bytes[EVICT_PROTECTED];
    if (bytes[EVICT_PROBATION] > all / PROBATION_SHARE)
        return EVICT_PROBATION;
    if (bytes[EVICT_PROTECTED] > all / PROTECTED_SHARE)
        return EVICT_PROTECTED;
    return bytes[EVICT_MAIN]        ? EVICT_MAIN
           : bytes[EVICT_PROBATION] ? EVICT_PROBATION
                                    : EVICT_PROTECTED;
}

enum evict_queue queues_judge(enum evict_queue queue, uint64_t size_bytes, uint8_t *hits)
{
    if (*hits > HITS_MAX)
        *hits = HITS_MAX;
    if (*hits == 0)
        return EVICT_NONE;
    *hits = queue == EVICT_PROBATION ? 0 : (uint8_t)(*hits - 1);
    return home_of(size_bytes);
}
