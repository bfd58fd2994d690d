// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"

/*
 * throttle: failed sign-ins, counted per (address, name) and per address, each with a growing wait.
 *
 * A wait belongs to an address, so a stranger elsewhere cannot lock anybody out.  The first few
 * failures cost nothing (people mistype); then the wait doubles to a minute; a quarter of an hour
 * without a failure forgets. IPv6 addresses count by their /64.  A table of fixed size: when a set
 * is full the oldest entry in it gives way. Pure: time comes in.
 */
struct throttle;

enum {
    THROTTLE_FREE_PAIR = 5,     /* failures of one name from one address before a wait */
    THROTTLE_FREE_ADDRESS = 30, /* of all names from one address */
    THROTTLE_FIRST_WAIT_MS = 1000,
    THROTTLE_LONGEST_WAIT_MS = 60000,
    THROTTLE_FORGET_MS = 900000,
};

struct throttle *throttle_new(struct hash_key key) MUST_USE;
void throttle_free(struct throttle **throttle);

/* Milliseconds until the next try is looked at; 0 is now. */
uint64_t throttle_wait_ms(const struct throttle *throttle, struct text address, struct text name,
                          int64_t now_ms);
void throttle_failed(struct throttle *throttle, struct text address, struct text name,
                     int64_t now_ms);
/* Forgets the failures of this pair; those of the address stay. */
void throttle_succeeded(struct throttle *throttle, struct text address, struct text name);
