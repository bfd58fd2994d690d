// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * map: from bytes to a pointer, with a limit on entries.
 *
 * Keys are copied; values are borrowed (the owner frees them, see map_next).  Hashing is keyed by
 * random bytes given at birth, so a peer cannot choose collisions.  Not for two threads at once.
 */
struct map;

struct map *map_new(uint64_t seed, size_t max_entries) MUST_USE;
void map_free(struct map **map);

/* Puts or replaces.  Returns false, changing nothing, when a new key would pass the limit. */
bool map_put(struct map *map, struct text key, void *value) MUST_USE;
void *map_get(const struct map *map, struct text key); /* NULL when absent */
void *map_remove(struct map *map, struct text key);    /* the value that was there, or NULL */
size_t map_count(const struct map *map);
/* The map's own copy of the key, which stays where it is until it is removed; data NULL when
 * absent. */
struct text map_key(const struct map *map, struct text key);

/* Walks in no order: start with *cursor 0, ends with false.  No change during a walk. */
bool map_next(const struct map *map, size_t *cursor, struct text *ret_key, void **ret_value);
