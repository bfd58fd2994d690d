// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_ghosts.h"
#include "base/hash.h"
#include "base/mem.h"
#include <string.h>

enum { WAYS = 8, ASKED_BITS = 6, ASKED_MASK = (1 << ASKED_BITS) - 1 };

struct ghosts {
    uint64_t sets, most_sets;
    uint16_t *entries; /* sets of WAYS, the newest first: print, asked + 1; 0: none */
};

static uint64_t sets_for(uint64_t objects) { return objects * GHOSTS_AN_OBJECT / WAYS + 1; }

struct ghosts *ghosts_new(uint64_t max_objects)
{
    struct ghosts *ghosts = MEM_NEW(struct ghosts);
    ghosts->sets = ghosts->most_sets = sets_for(max_objects);
    ghosts->entries = mem_zalloc((size_t)ghosts->sets * WAYS * sizeof(uint16_t));
    return ghosts;
}

void ghosts_free(struct ghosts **ghosts)
{
    if (!*ghosts)
        return;
    mem_free((*ghosts)->entries);
    mem_free_p(ghosts);
}

void ghosts_fit(struct ghosts *ghosts, uint64_t objects)
{
    uint64_t sets = sets_for(objects);
    ghosts->sets = sets < ghosts->most_sets ? sets : ghosts->most_sets;
    memset(ghosts->entries, 0, (size_t)ghosts->sets * WAYS * sizeof(uint16_t));
}

static uint16_t *set_of(struct ghosts *ghosts, uint64_t hash, uint16_t *ret_print)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t mixed = hash_mix(hash);
    *ret_print = (uint16_t)(mixed << ASKED_BITS);
    return ghosts->entries + (uint64_t)((wide)mixed * ghosts->sets >> 64) * WAYS;
}

void ghosts_remember(struct ghosts *ghosts, uint64_t hash, uint8_t asked)
{
    uint16_t print, *set = set_of(ghosts, hash, &print);
    memmove(set + 1, set, (WAYS - 1) * sizeof set[0]);
    set[0] = (uint16_t)(print | (asked < ASKED_MASK ? asked + 1 : ASKED_MASK));
}

int ghosts_recall(struct ghosts *ghosts, uint64_t hash)
{
    uint16_t print, *set = set_of(ghosts, hash, &print);
    for (size_t i = 0; i < WAYS; i++) {
        int asked = (set[i] & ASKED_MASK) - 1;
        if (asked < 0 || (set[i] & ~ASKED_MASK) != print)
            continue;
        memmove(set + i, set + i + 1, (WAYS - 1 - i) * sizeof set[0]);
        set[WAYS - 1] = 0;
        return asked;
    }
    return -1;
}
