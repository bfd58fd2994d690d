// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "trust/uid.h"

/*
 * throttle: failed sign-ins, counted per (address, name), per address and per name, each with a
 * growing wait.
 *
 * The first few failures cost nothing (people mistype); then the wait doubles to a minute; a
 * quarter of an hour without a failure forgets.  IPv6 addresses count by their /64.
 *
 * Nobody is locked out by strangers: a browser that was signed in to the account before
 * (trust/device.h) is counted by itself alone, and the wait of a name that many addresses try does
 * not hold for an address from which it signed in lately.  A table of fixed size: when a set is
 * full the oldest entry in it gives way.  Pure: time comes in.
 */
struct throttle;

enum {
    THROTTLE_FREE_PAIR = 5,     /* failures of one name from one address before a wait */
    THROTTLE_FREE_ADDRESS = 30, /* of all names from one address */
    THROTTLE_FREE_NAME = 100,   /* of one name from everywhere */
    THROTTLE_FIRST_WAIT_MS = 1000,
    THROTTLE_LONGEST_WAIT_MS = 60000,
    THROTTLE_FORGET_MS = 900000,
};
#define THROTTLE_KNOWN_MS (30LL * 24 * 60 * 60 * 1000) /* "lately" */

/* Who tries.  `device` of trust/device.h, none when the browser is not known to the account. */
struct throttle_try {
    struct text address, name;
    struct uid device;
};

struct throttle *throttle_new(struct hash_key key) MUST_USE;
void throttle_free(struct throttle **throttle);

/* Milliseconds until the next try is looked at; 0 is now. */
uint64_t throttle_wait_ms(const struct throttle *throttle, const struct throttle_try *attempt,
                          int64_t now_ms);
void throttle_failed(struct throttle *throttle, const struct throttle_try *attempt, int64_t now_ms);
/* Forgets the failures of this pair; those of the address and of the name stay. */
void throttle_succeeded(struct throttle *throttle, const struct throttle_try *attempt,
                        int64_t now_ms);
