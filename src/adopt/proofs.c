// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/proofs.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"

struct proofs {
    struct map *map;
};

static struct text key_of(const struct credentials_digest *digest)
{
    return text_make((const char *)digest->bytes, sizeof digest->bytes);
}

struct proofs *proofs_new(void)
{
    struct proofs *proofs = MEM_NEW(struct proofs);
    proofs->map = map_new(random_u64(), PROOFS_MAX);
    return proofs;
}

static void clear(struct proofs *proofs)
{
    struct text key;
    void *value;
    for (size_t cursor = 0; map_next(proofs->map, &cursor, &key, &value);)
        mem_free(value);
    map_free(&proofs->map);
}

void proofs_free(struct proofs **proofs)
{
    if (!*proofs)
        return;
    clear(*proofs);
    mem_free(*proofs);
    *proofs = NULL;
}

struct proof *proofs_find(struct proofs *proofs, const struct credentials_digest *digest)
{
    return map_get(proofs->map, key_of(digest));
}

struct proof *proofs_note(struct proofs *proofs, const struct credentials_digest *digest,
                          int64_t now_ms)
{
    struct proof *proof = proofs_find(proofs, digest);
    if (!proof) {
        if (map_count(proofs->map) >= PROOFS_MAX) {
            clear(proofs);
            proofs->map = map_new(random_u64(), PROOFS_MAX);
        }
        proof = MEM_NEW(struct proof);
        *proof = (struct proof){0};
        (void)!map_put(proofs->map, key_of(digest), proof);
    }
    proof->proven_ms = now_ms;
    return proof;
}

void proofs_forget(struct proofs *proofs, const struct credentials_digest *digest)
{
    mem_free(map_remove(proofs->map, key_of(digest)));
}
