// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/pauses.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"

enum { FIRST_MS = 1000, LONGEST_MS = 300 * 1000, LONGEST_DENIED_MS = 3600 * 1000 };

struct pause {
    int64_t due_ms, length_ms;
    uint64_t credentials; /* keyed hash */
};

struct pauses {
    struct map *map; /* listener → pause */
    struct hash_key key;
};

struct pauses *pauses_new(void)
{
    struct pauses *pauses = MEM_NEW(struct pauses);
    *pauses = (struct pauses){map_new(random_u64(), PAUSES_MAX), {random_u64(), random_u64()}};
    return pauses;
}

static void clear(struct pauses *pauses)
{
    struct text key;
    void *value;
    for (size_t cursor = 0; map_next(pauses->map, &cursor, &key, &value);)
        mem_free(value);
    map_free(&pauses->map);
}

void pauses_free(struct pauses **pauses)
{
    if (*pauses)
        clear(*pauses);
    mem_free_p(pauses);
}

bool pauses_has(const struct pauses *pauses, struct text listener, struct text credentials,
                int64_t now_ms)
{
    const struct pause *pause = map_get(pauses->map, listener);
    return pause && now_ms < pause->due_ms &&
           pause->credentials == hash_bytes(pauses->key, credentials.data, credentials.size);
}

static struct pause *obtain(struct pauses *pauses, struct text listener)
{
    struct pause *pause = map_get(pauses->map, listener);
    if (pause)
        return pause;
    if (map_count(pauses->map) >= PAUSES_MAX) {
        clear(pauses);
        pauses->map = map_new(random_u64(), PAUSES_MAX);
    }
    pause = MEM_NEW(struct pause);
    *pause = (struct pause){0};
    (void)!map_put(pauses->map, listener, pause);
    return pause;
}

void pauses_add(struct pauses *pauses, struct text listener, struct text credentials,
                bool is_denied, int64_t now_ms)
{
    struct pause *pause = obtain(pauses, listener);
    uint64_t hash = hash_bytes(pauses->key, credentials.data, credentials.size);
    int64_t longest_ms = is_denied ? LONGEST_DENIED_MS : LONGEST_MS;
    bool is_first = !pause->length_ms || pause->credentials != hash;
    pause->length_ms = is_first ? FIRST_MS : 2 * pause->length_ms;
    if (pause->length_ms > longest_ms)
        pause->length_ms = longest_ms;
    pause->credentials = hash;
    pause->due_ms = now_ms + pause->length_ms;
}

void pauses_end(struct pauses *pauses, struct text listener)
{
    mem_free(map_remove(pauses->map, listener));
}
