// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/frozen.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

struct frozen {
    struct map *counts;
    bool is_cut;
};

struct key {
    char bytes[UID_BYTES + sizeof(struct subject)];
};

struct frozen *frozen_new(uint64_t seed, size_t max)
{
    struct frozen *frozen = MEM_NEW(struct frozen);
    frozen->counts = map_new(seed, max);
    return frozen;
}

void frozen_free(struct frozen **frozen_at)
{
    struct frozen *frozen = *frozen_at;
    struct text key;
    void *count;
    if (!frozen)
        return;
    for (size_t cursor = 0; map_next(frozen->counts, &cursor, &key, &count);)
        mem_free(count);
    map_free(&frozen->counts);
    mem_free_p(frozen_at);
}

static struct text key_of(struct key *key, struct uid account, const struct subject *subject)
{
    memcpy(key->bytes, account.bytes, UID_BYTES);
    memcpy(key->bytes + UID_BYTES, subject, sizeof *subject);
    return text_make(key->bytes, sizeof key->bytes);
}

void frozen_keep(struct frozen *frozen, struct uid account, struct subject subject, uint64_t count)
{
    struct key storage;
    struct text key = key_of(&storage, account, &subject);
    if (map_get(frozen->counts, key))
        return;
    uint64_t *kept = MEM_NEW(uint64_t);
    *kept = count;
    if (map_put(frozen->counts, key, kept))
        return;
    mem_free(kept);
    frozen->is_cut = true;
}

bool frozen_find(const struct frozen *frozen, struct uid account, struct subject subject,
                 uint64_t *ret_count)
{
    struct key storage;
    const uint64_t *kept = map_get(frozen->counts, key_of(&storage, account, &subject));
    if (kept)
        *ret_count = *kept;
    return kept;
}

bool frozen_is_whole(const struct frozen *frozen) { return !frozen->is_cut; }
