// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_queues.h"
#include "base/hash.h"
#include "base/mem.h"
#include <string.h>

enum { WAYS = 8, LEAST_SETS = 16, HITS_MAX = 3, PROTECTED_SHARE = 5 };
static const double SHARE_FIRST = 0.1, SHARE_LEAST = 0.05, SHARE_MOST = 0.9, STEPS = 2;

struct queues {
    size_t sets;
    uint32_t *ghosts; /* sets of WAYS, the newest first; 0: none; the last bit: left probation */
    double share;     /* of probation */
    double left[2];   /* of late: from another queue, from probation */
};

struct queues *queues_new(uint64_t max_objects)
{
    struct queues *queues = MEM_NEW(struct queues);
    queues->sets = LEAST_SETS;
    queues->share = SHARE_FIRST;
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
    *ret_print = ((uint32_t)mixed | 1) << 1;
    return queues->ghosts + ((mixed >> 32) & (queues->sets - 1)) * WAYS;
}

void queues_remember(struct queues *queues, uint64_t hash, enum evict_queue left)
{
    uint32_t print, *ghosts = ghosts_of(queues, hash, &print);
    double keep = 1 - 1 / (double)(queues->sets * WAYS);
    queues->left[0] = queues->left[0] * keep + (left != EVICT_PROBATION);
    queues->left[1] = queues->left[1] * keep + (left == EVICT_PROBATION);
    memmove(ghosts + 1, ghosts, (WAYS - 1) * sizeof ghosts[0]);
    ghosts[0] = print | (left == EVICT_PROBATION);
}

/*
 * Who left probation and comes back shows that it is too short, who left another that it is too
 * long (ARC; Megiddo and Modha, FAST 2003).  Each counts by how few leave where it left, so that
 * shares rest where those who left either come back equally often.
 */
static void learn(struct queues *queues, bool left_probation)
{
    double others = queues->left[!left_probation] / (queues->left[0] + queues->left[1] + 1);
    double step = STEPS * others / (double)(queues->sets * WAYS);
    double share = queues->share + (left_probation ? step : -step);
    queues->share = share < SHARE_LEAST ? SHARE_LEAST : share > SHARE_MOST ? SHARE_MOST : share;
}

static bool forget(struct queues *queues, uint64_t hash)
{
    uint32_t print, *ghosts = ghosts_of(queues, hash, &print);
    for (size_t i = 0; i < WAYS; i++) {
        if ((ghosts[i] & ~1U) == print) {
            learn(queues, ghosts[i] & 1);
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

enum evict_queue queues_which(const struct queues *queues, const uint64_t bytes[EVICT_QUEUES])
{
    uint64_t all = bytes[EVICT_PROBATION] + bytes[EVICT_MAIN] + bytes[EVICT_PROTECTED];
    if ((double)bytes[EVICT_PROBATION] > (double)all * queues->share)
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
