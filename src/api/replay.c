// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/replay.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"

#include <string.h>

enum { WAYS = 8, SETS = REPLAY_PLACES / WAYS, KEPT_BYTES = 16 };

struct replay {
    struct hash_key key;
    size_t max_per_account;
    struct used {
        uint8_t id[KEPT_BYTES];
        uint64_t account; /* hashed */
        int64_t until_s;  /* 0: free */
    } sets[SETS][WAYS];
};

struct replay *replay_new(struct hash_key key, size_t max_per_account)
{
    struct replay *replay = MEM_NEW(struct replay);
    replay->key = key;
    replay->max_per_account = max_per_account;
    return replay;
}

void replay_free(struct replay **replay) { mem_free_p(replay); }

/* Of a set: where `id` is good for another while, else what is free or over, else NULL. */
static struct used *find_place(struct used *set, const uint8_t *id, int64_t now_s,
                               bool *ret_is_used)
{
    struct used *place = NULL;
    *ret_is_used = false;
    for (size_t i = 0; i < WAYS; i++) {
        bool is_over = set[i].until_s <= now_s;
        *ret_is_used |= !is_over && memcmp(set[i].id, id, KEPT_BYTES) == 0;
        if (is_over)
            place = &set[i];
    }
    return place;
}

static bool has_its_share(const struct replay *replay, uint64_t account, int64_t now_s)
{
    const struct used *places = replay->sets[0];
    size_t count = 0;
    for (size_t i = 0; i < REPLAY_PLACES; i++)
        count += places[i].account == account && places[i].until_s > now_s;
    return count >= replay->max_per_account;
}

enum replay_verdict replay_use(struct replay *replay, const uint8_t id[REPLAY_ID_BYTES],
                               struct uid account, int64_t now_s, int64_t until_s)
{
    uint64_t whose = hash_bytes(replay->key, account.bytes, UID_BYTES);
    bool is_used;
    if (!guard_is_on(GUARD_REPLAY))
        return REPLAY_FIRST;
    struct used *set = replay->sets[hash_bytes(replay->key, id, REPLAY_ID_BYTES) % SETS];
    struct used *place = find_place(set, id, now_s, &is_used);
    if (is_used)
        return REPLAY_AGAIN;
    if (guard_is_on(GUARD_RENEWAL_SHARE) && has_its_share(replay, whose, now_s)) {
        counter_add(COUNTER_RENEWALS_CROWDED, 1);
        return REPLAY_CROWDED;
    }
    if (!place)
        return REPLAY_FULL;
    memcpy(place->id, id, KEPT_BYTES);
    place->account = whose;
    place->until_s = until_s;
    return REPLAY_FIRST;
}
