// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/throttle.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"

enum { SETS = 1024, WAYS = 4, DOUBLINGS_MAX = 32 };

struct entry {
    uint64_t key; /* 0 is free */
    int64_t last_ms;
    uint32_t failures;
    bool is_known; /* of a pair: it signed in, no longer ago than THROTTLE_KNOWN_MS */
};

struct throttle {
    struct hash_key key;
    struct throttle_limits limits;
    struct entry sets[SETS][WAYS];
};

struct throttle *throttle_new(struct hash_key key, const struct throttle_limits *limits)
{
    struct throttle *throttle = MEM_NEW(struct throttle);
    throttle->key = key;
    throttle->limits = *limits;
    return throttle;
}

void throttle_free(struct throttle **throttle) { mem_free_p(throttle); }

/* The first four groups of an IPv6 address, the whole of any other. */
static struct text network_of(struct text address)
{
    unsigned colons = 0;
    for (size_t i = 0; i < address.size; i++) {
        if (address.data[i] != ':')
            continue;
        bool is_gap = i + 1 < address.size && address.data[i + 1] == ':';
        if (++colons == 4 || is_gap)
            return text_make(address.data, i);
    }
    return address;
}

/* What is counted, each by itself. */
enum subject { OF_PAIR, OF_ADDRESS, OF_NAME, OF_DEVICE };

static uint64_t key_of(const struct throttle *throttle, enum subject subject,
                       const struct throttle_try *attempt)
{
    struct text network = network_of(attempt->address);
    uint64_t parts[4] = {subject};
    if (subject == OF_PAIR || subject == OF_ADDRESS)
        parts[1] = hash_bytes(throttle->key, network.data, network.size);
    if (subject == OF_PAIR || subject == OF_NAME)
        parts[2] = hash_bytes(throttle->key, attempt->name.data, attempt->name.size);
    if (subject == OF_DEVICE)
        parts[3] = hash_bytes(throttle->key, attempt->device.bytes, UID_BYTES);
    return hash_bytes(throttle->key, parts, sizeof(parts)) | 1;
}

static const struct entry *find(const struct throttle *throttle, uint64_t key)
{
    const struct entry *set = throttle->sets[(key >> 1) % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static uint64_t wait_of(const struct throttle *throttle, uint64_t key, uint32_t free_failures,
                        int64_t now_ms)
{
    const struct entry *entry = find(throttle, key);
    if (!entry || entry->failures <= free_failures)
        return 0;
    int64_t elapsed_ms = now_ms - entry->last_ms;
    if (elapsed_ms < 0 || elapsed_ms >= throttle->limits.forget_ms)
        return 0;
    uint32_t doublings = entry->failures - free_failures - 1;
    uint64_t longest_ms = throttle->limits.longest_wait_ms;
    uint64_t wait_ms =
        doublings < DOUBLINGS_MAX ? (uint64_t)THROTTLE_FIRST_WAIT_MS << doublings : longest_ms;
    if (wait_ms > longest_ms)
        wait_ms = longest_ms;
    return (uint64_t)elapsed_ms < wait_ms ? wait_ms - (uint64_t)elapsed_ms : 0;
}

static bool is_known(const struct throttle *throttle, const struct throttle_try *attempt,
                     int64_t now_ms)
{
    const struct entry *entry = find(throttle, key_of(throttle, OF_PAIR, attempt));
    return entry && entry->is_known && now_ms - entry->last_ms < THROTTLE_KNOWN_MS;
}

static uint64_t longer(uint64_t a, uint64_t b) { return a > b ? a : b; }

static bool is_shared(struct text name) { return name.size && name.data[0] == '\n'; }

static uint64_t longest_wait(const struct throttle *throttle, const struct throttle_try *attempt,
                             int64_t now_ms)
{
    if (!uid_is_none(attempt->device) && guard_is_on(GUARD_KNOWN_DEVICE))
        return wait_of(throttle, key_of(throttle, OF_DEVICE, attempt), throttle->limits.free_pair,
                       now_ms);
    uint64_t wait_ms = longer(
        wait_of(throttle, key_of(throttle, OF_PAIR, attempt), throttle->limits.free_pair, now_ms),
        wait_of(throttle, key_of(throttle, OF_ADDRESS, attempt), throttle->limits.free_address,
                now_ms));
    if (is_shared(attempt->name) || is_known(throttle, attempt, now_ms))
        return wait_ms;
    return longer(wait_ms, wait_of(throttle, key_of(throttle, OF_NAME, attempt),
                                   throttle->limits.free_name, now_ms));
}

uint64_t throttle_wait_ms(const struct throttle *throttle, const struct throttle_try *attempt,
                          int64_t now_ms)
{
    uint64_t wait_ms =
        guard_is_on(GUARD_SIGNIN_WAITS) ? longest_wait(throttle, attempt, now_ms) : 0;
    counter_add(COUNTER_SIGNINS_DELAYED, wait_ms > 0);
    return wait_ms;
}

/* The entry of `key`, or the oldest of its set made into one. */
static struct entry *obtain(struct throttle *throttle, uint64_t key)
{
    struct entry *set = throttle->sets[(key >> 1) % SETS], *chosen = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].last_ms < chosen->last_ms)
            chosen = &set[i];
    }
    *chosen = (struct entry){.key = key};
    return chosen;
}

static void count(struct throttle *throttle, uint64_t key, int64_t now_ms)
{
    struct entry *entry = obtain(throttle, key);
    if (now_ms - entry->last_ms >= throttle->limits.forget_ms)
        entry->failures = 0;
    entry->failures += entry->failures < UINT32_MAX;
    entry->last_ms = now_ms;
}

void throttle_failed(struct throttle *throttle, const struct throttle_try *attempt, int64_t now_ms)
{
    counter_add(COUNTER_SIGNINS_WRONG, 1);
    if (!uid_is_none(attempt->device)) {
        count(throttle, key_of(throttle, OF_DEVICE, attempt), now_ms);
        return;
    }
    count(throttle, key_of(throttle, OF_PAIR, attempt), now_ms);
    count(throttle, key_of(throttle, OF_ADDRESS, attempt), now_ms);
    if (!is_shared(attempt->name))
        count(throttle, key_of(throttle, OF_NAME, attempt), now_ms);
}

void throttle_succeeded(struct throttle *throttle, const struct throttle_try *attempt,
                        int64_t now_ms)
{
    struct entry *pair = obtain(throttle, key_of(throttle, OF_PAIR, attempt));
    *pair = (struct entry){.key = pair->key, .last_ms = now_ms, .is_known = true};
    if (!uid_is_none(attempt->device))
        obtain(throttle, key_of(throttle, OF_DEVICE, attempt))->failures = 0;
}
