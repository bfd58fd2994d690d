// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "trust/uid.h"

#include <stdint.h>

/*
 * throttle: failed sign-ins, counted per (address, name), per address and per name, each with a
 * growing wait.
 *
 * The first few failures cost nothing (people mistype); then the wait doubles up to the longest; a
 * while without a failure forgets.  IPv6 addresses count by their /64.
 *
 * A name that begins with LF is no account's but shared by many (passkeys, the set-up code): it is
 * counted per address alone, or strangers could make everybody wait.
 *
 * Nobody is locked out by strangers: a browser that was signed in to the account before
 * (trust/device.h) is counted by itself alone, and the wait of a name that many addresses try does
 * not hold for an address from which it signed in lately.  A table of fixed size: when a set is
 * full the oldest entry in it gives way.  Pure: time comes in.
 */
struct throttle;

/* Each is a setting (programs/settings.def); these are their defaults. */
struct throttle_limits {
    uint32_t free_pair;    /* failures of one name from one address before a wait */
    uint32_t free_address; /* of all names from one address */
    uint32_t free_name;    /* of one name from everywhere */
    uint32_t longest_wait_ms, forget_ms;
    uint32_t max_renewals; /* of an account's sessions, in ten minutes (api/replay.h) */
};
#define THROTTLE_DEFAULTS                               \
    ((struct throttle_limits){.free_pair = 5,           \
                              .free_address = 30,       \
                              .free_name = 100,         \
                              .longest_wait_ms = 60000, \
                              .forget_ms = 900000,      \
                              .max_renewals = 120})
enum { THROTTLE_FIRST_WAIT_MS = 1000 };
#define THROTTLE_KNOWN_MS (30LL * 24 * 60 * 60 * 1000) /* "lately" */

/* Who tries.  `device` of trust/device.h, none when the browser is not known to the account. */
struct throttle_try {
    struct text address, name;
    struct uid device;
};

struct throttle *throttle_new(struct hash_key key, const struct throttle_limits *limits) MUST_USE;
void throttle_free(struct throttle **throttle);

/* Milliseconds until the next try is looked at; 0 is now. */
uint64_t throttle_wait_ms(const struct throttle *throttle, const struct throttle_try *attempt,
                          int64_t now_ms);
void throttle_failed(struct throttle *throttle, const struct throttle_try *attempt, int64_t now_ms);
/* Forgets the failures of this pair; those of the address and of the name stay. */
void throttle_succeeded(struct throttle *throttle, const struct throttle_try *attempt,
                        int64_t now_ms);
