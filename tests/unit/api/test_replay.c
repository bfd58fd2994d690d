// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/replay.h"
#include "tap.h"

#include <string.h>

enum { SHARE = 100, NOW_S = 5000, LIFE_S = 600 };

static const struct uid anna = {{1}}, bert = {{2}};
static unsigned made;

/* A proof that nobody has seen. */
static enum replay_verdict use_new(struct replay *replay, struct uid account, int64_t now_s)
{
    uint8_t id[REPLAY_ID_BYTES] = {0};
    made++;
    memcpy(id, &made, sizeof made);
    return replay_use(replay, id, account, now_s, now_s + LIFE_S);
}

static void test_once(struct replay *replay)
{
    const uint8_t id[REPLAY_ID_BYTES] = {9, 9};
    OK(replay_use(replay, id, anna, NOW_S, NOW_S + LIFE_S) == REPLAY_FIRST, "a proof is good");
    OK(replay_use(replay, id, anna, NOW_S + LIFE_S - 1, NOW_S + 2 * LIFE_S) == REPLAY_AGAIN,
       "once");
    OK(replay_use(replay, id, bert, NOW_S, NOW_S + LIFE_S) == REPLAY_AGAIN,
       "whoever shows it the second time");
    OK(replay_use(replay, id, anna, NOW_S + LIFE_S, NOW_S + 2 * LIFE_S) == REPLAY_FIRST,
       "and forgotten when its time is over");
}

static void test_share(struct replay *replay)
{
    unsigned taken = 0, crowded = 0;
    for (unsigned i = 0; i < 10 * SHARE; i++) {
        enum replay_verdict verdict = use_new(replay, anna, NOW_S);
        taken += verdict == REPLAY_FIRST;
        crowded += verdict == REPLAY_CROWDED;
    }
    OK(taken < SHARE + 1 && crowded > 8 * SHARE, "one account takes its share, and no more");
    unsigned refused = 0;
    for (unsigned i = 0; i < SHARE; i++)
        refused += use_new(replay, bert, NOW_S) != REPLAY_FIRST;
    OK(refused == 0, "and nobody else is refused for it");
    OK(use_new(replay, anna, NOW_S + 2 * LIFE_S) == REPLAY_FIRST, "until its own are forgotten");
}

static void test_full(void)
{
    struct replay *replay = replay_new((struct hash_key){3, 4}, SIZE_MAX);
    unsigned full = 0;
    for (unsigned i = 0; i < REPLAY_PLACES + 500; i++)
        full += use_new(replay, anna, NOW_S) == REPLAY_FULL;
    OK(full >= 500, "a full table refuses, and forgets nothing before its time");
    replay_free(&replay);
}

int main(void)
{
    struct replay *replay = replay_new((struct hash_key){1, 2}, SHARE);
    test_once(replay);
    test_share(replay);
    test_full();
    replay_free(&replay);
    OK(!replay, "freeing leaves NULL");
    return tap_done();
}
