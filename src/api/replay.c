// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/replay.h"

#include "base/guard.h"
#include "base/mem.h"

#include <string.h>

enum { SETS = 1024, WAYS = 8, KEPT_BYTES = 16 };

struct replay {
    struct hash_key key;
    struct used {
        uint8_t id[KEPT_BYTES];
        int64_t until_s; /* 0: free */
    } sets[SETS][WAYS];
};

struct replay *replay_new(struct hash_key key)
{
    struct replay *replay = MEM_NEW(struct replay);
    replay->key = key;
    return replay;
}

void replay_free(struct replay **replay) { mem_free_p(replay); }

enum replay_verdict replay_use(struct replay *replay, const uint8_t id[REPLAY_ID_BYTES],
                               int64_t now_s, int64_t until_s)
{
    struct used *set = replay->sets[hash_bytes(replay->key, id, REPLAY_ID_BYTES) % SETS];
    struct used *place = NULL;
    if (!guard_is_on(GUARD_REPLAY))
        return REPLAY_FIRST;
    for (size_t i = 0; i < WAYS; i++) {
        bool is_over = set[i].until_s <= now_s;
        if (!is_over && memcmp(set[i].id, id, KEPT_BYTES) == 0)
            return REPLAY_AGAIN;
        if (is_over)
            place = &set[i];
    }
    if (!place)
        return REPLAY_FULL;
    memcpy(place->id, id, KEPT_BYTES);
    place->until_s = until_s;
    return REPLAY_FIRST;
}
