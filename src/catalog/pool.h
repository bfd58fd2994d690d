// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "catalog/id.h"

/*
 * catalog/pool: what a build has seen, each thing once: strings and ids, numbered from 0 in order
 * of appearance. Grow on the heap; released at once.  A pool that is full (4 GiB) stays so and
 * gives 0.
 */
struct string_pool {
    char *bytes;
    uint32_t *starts; /* count + 1, as a START column */
    uint32_t *slots;  /* number + 1, or 0 */
    uint32_t count, size, start_capacity, slot_count;
    size_t capacity;
    struct hash_key key;
    bool is_full;
};
void string_pool_init(struct string_pool *pool); /* number 0 is "" */
void string_pool_release(struct string_pool *pool);
uint32_t string_pool_put(struct string_pool *pool, struct text t);
struct text string_pool_at(const struct string_pool *pool,
                           uint32_t number); /* valid until the next put */

struct id_pool {
    struct catalog_id *ids;
    uint32_t *slots;
    uint32_t count, capacity, slot_count;
    uint64_t seed;
};
void id_pool_init(struct id_pool *pool);
void id_pool_release(struct id_pool *pool);
uint32_t id_pool_put(struct id_pool *pool, const struct catalog_id *id);
