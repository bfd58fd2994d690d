// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/throttle.h"

#include "base/mem.h"

enum { SETS = 1024, WAYS = 4 };

struct entry {
    uint64_t key; /* 0 is free */
    int64_t last_ms;
    uint32_t failures;
};

struct throttle {
    struct hash_key key;
    struct entry sets[SETS][WAYS];
};

struct throttle *throttle_new(struct hash_key key)
{
    struct throttle *throttle = MEM_NEW(struct throttle);
    throttle->key = key;
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

static uint64_t key_of_address(const struct throttle *throttle, struct text address)
{
    struct text network = network_of(address);
    return hash_bytes(throttle->key, network.data, network.size) | 1;
}

static uint64_t key_of_pair(const struct throttle *throttle, struct text address, struct text name)
{
    uint64_t parts[2] = {key_of_address(throttle, address),
                         hash_bytes(throttle->key, name.data, name.size)};
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
    if (elapsed_ms < 0 || elapsed_ms >= THROTTLE_FORGET_MS)
        return 0;
    uint32_t doublings = entry->failures - free_failures - 1;
    uint64_t wait_ms =
        doublings < 6 ? (uint64_t)THROTTLE_FIRST_WAIT_MS << doublings : THROTTLE_LONGEST_WAIT_MS;
    if (wait_ms > THROTTLE_LONGEST_WAIT_MS)
        wait_ms = THROTTLE_LONGEST_WAIT_MS;
    return (uint64_t)elapsed_ms < wait_ms ? wait_ms - (uint64_t)elapsed_ms : 0;
}

uint64_t throttle_wait_ms(const struct throttle *throttle, struct text address, struct text name,
                          int64_t now_ms)
{
    uint64_t of_pair =
        wait_of(throttle, key_of_pair(throttle, address, name), THROTTLE_FREE_PAIR, now_ms);
    uint64_t of_address =
        wait_of(throttle, key_of_address(throttle, address), THROTTLE_FREE_ADDRESS, now_ms);
    return of_pair > of_address ? of_pair : of_address;
}

static void count(struct throttle *throttle, uint64_t key, int64_t now_ms)
{
    struct entry *set = throttle->sets[(key >> 1) % SETS], *chosen = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            chosen = &set[i];
            break;
        }
        if (set[i].last_ms < chosen->last_ms)
            chosen = &set[i];
    }
    bool is_known = chosen->key == key && now_ms - chosen->last_ms < THROTTLE_FORGET_MS;
    uint32_t failures = is_known ? chosen->failures : 0;
    *chosen = (struct entry){key, now_ms, failures < UINT32_MAX ? failures + 1 : failures};
}

void throttle_failed(struct throttle *throttle, struct text address, struct text name,
                     int64_t now_ms)
{
    count(throttle, key_of_pair(throttle, address, name), now_ms);
    count(throttle, key_of_address(throttle, address), now_ms);
}

void throttle_succeeded(struct throttle *throttle, struct text address, struct text name)
{
    uint64_t key = key_of_pair(throttle, address, name);
    struct entry *set = throttle->sets[(key >> 1) % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            set[i] = (struct entry){0};
}
