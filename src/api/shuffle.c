// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/shuffle.h"

#include "base/hash.h"
#include "base/mem.h"
#include "io/random.h"

enum { SLOTS = 1024 };

struct shuffles {
    struct hash_key key;
    uint64_t counter;
    struct slot {
        uint64_t owner, seed;
    } slots[SLOTS];
};

struct shuffles *shuffles_new(void)
{
    struct shuffles *shuffles = MEM_NEW(struct shuffles);
    random_fill(&shuffles->key, sizeof(shuffles->key));
    random_fill(&shuffles->counter, sizeof(shuffles->counter));
    return shuffles;
}

void shuffles_free(struct shuffles **shuffles) { mem_free_p(shuffles); }

uint64_t shuffle_draw(struct shuffles *shuffles) { return hash_mix(++shuffles->counter); }

uint64_t shuffle_seed(struct shuffles *shuffles, struct uid account, struct text client,
                      size_t offset)
{
    uint64_t parts[2] = {hash_bytes(shuffles->key, account.bytes, UID_BYTES),
                         hash_bytes(shuffles->key, client.data, client.size)};
    uint64_t owner = hash_bytes(shuffles->key, parts, sizeof(parts));
    struct slot *slot = &shuffles->slots[owner % SLOTS];
    if (!offset || slot->owner != owner)
        *slot = (struct slot){owner, shuffle_draw(shuffles)};
    return slot->seed;
}
