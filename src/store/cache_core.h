// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "store/cache_marks.h"
#include "store/cache_memory.h"

/* cache_core: what the parts of a cache share; internal.  `disk` is NULL when there is none. */
struct cache_disk;

struct cache {
    struct cache_memory memory;
    struct cache_disk *disk;
    struct cache_marks marks;
    struct hash_key keys[3]; /* two for names, one for marks; kept in the folder */
    uint64_t max_object_bytes;
    _Atomic int open_error; /* why there is no disk */
};

struct cache_hash cache_hash(const struct cache *cache, struct text key);
