// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/uncounted.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

struct uncounted {
    struct map *waiting;
};

struct key {
    char bytes[UID_BYTES + sizeof(struct subject)];
};

struct one {
    uint64_t base, waiting, settled;
    int64_t settled_ms; /* the origin's stamp: a copy made then or later has what settled */
    int64_t base_ms;    /* of the latest copy that came: what settled by then is in `base` */
};

/* No copy is under way for so long: one that seems older comes from a clock that went back. */
enum { MOST_LATE_MS = 60 * 1000 };

struct uncounted *uncounted_new(uint64_t seed, size_t max)
{
    struct uncounted *uncounted = MEM_NEW(struct uncounted);
    uncounted->waiting = map_new(seed, max);
    return uncounted;
}

void uncounted_free(struct uncounted **uncounted_at)
{
    struct uncounted *uncounted = *uncounted_at;
    struct text key;
    void *one;
    if (!uncounted)
        return;
    for (size_t cursor = 0; map_next(uncounted->waiting, &cursor, &key, &one);)
        mem_free(one);
    map_free(&uncounted->waiting);
    mem_free_p(uncounted_at);
}

static struct text key_of(struct key *key, struct uid account, const struct subject *subject)
{
    memcpy(key->bytes, account.bytes, UID_BYTES);
    memcpy(key->bytes + UID_BYTES, subject, sizeof *subject);
    return text_make(key->bytes, sizeof key->bytes);
}

void uncounted_add(struct uncounted *uncounted, struct uid account, struct subject subject,
                   uint64_t shown)
{
    struct key storage;
    struct text key = key_of(&storage, account, &subject);
    struct one *one = map_get(uncounted->waiting, key);
    if (!one) {
        one = MEM_NEW(struct one);
        if (!map_put(uncounted->waiting, key, one)) {
            mem_free(one);
            return;
        }
    }
    one->waiting++;
    uint64_t ours = one->waiting + one->settled;
    one->base = shown > ours ? shown - ours : 0;
}

/* The sum, and away with what has nothing of ours in it any more. */
static uint64_t sum(struct uncounted *uncounted, struct text key, struct one *one)
{
    uint64_t shown = one->base + one->waiting + one->settled;
    if (!one->waiting && !one->settled)
        mem_free(map_remove(uncounted->waiting, key));
    return shown;
}

bool uncounted_arrived(struct uncounted *uncounted, struct uid account, struct subject subject,
                       bool is_new_there, int64_t at_ms, uint64_t *ret_shown)
{
    struct key storage;
    struct text key = key_of(&storage, account, &subject);
    struct one *one = map_get(uncounted->waiting, key);
    if (!one || !one->waiting)
        return false;
    one->waiting--;
    if (is_new_there && at_ms > one->base_ms) { /* else a copy overtook the receipt */
        one->settled++;
        one->settled_ms = at_ms; /* the last receipt, also where the origin's clock went back */
    }
    *ret_shown = sum(uncounted, key, one);
    return true;
}

bool uncounted_learn(struct uncounted *uncounted, struct uid account, struct subject subject,
                     uint64_t count, int64_t made_ms, uint64_t *ret_shown)
{
    struct key storage;
    struct text key = key_of(&storage, account, &subject);
    struct one *one = map_get(uncounted->waiting, key);
    if (!one)
        return false;
    if (count > one->base) /* an older copy may come late */
        one->base = count;
    if (made_ms > one->base_ms || made_ms < one->base_ms - MOST_LATE_MS)
        one->base_ms = made_ms;
    if (made_ms >= one->settled_ms || made_ms < one->settled_ms - MOST_LATE_MS)
        one->settled = 0;
    *ret_shown = sum(uncounted, key, one);
    return true;
}

uint64_t uncounted_waiting(const struct uncounted *uncounted, struct uid account,
                           struct subject subject)
{
    struct key storage;
    const struct one *one = map_get(uncounted->waiting, key_of(&storage, account, &subject));
    return one ? one->waiting : 0;
}
