// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "replica/catalogs.h"
#include "trust/uid.h"

/*
 * told: what an answer to /changes says (docs/formats/changes.md), read into what is wanted.  Pure.
 *
 *     {"cursor": "EPOCH.POSITION.RUN", "objects": [{"name": …}], "states": [{"account": …}],
 *      "next": …}
 *
 * Objects that this node does not follow are passed over, as are members that it does not know.
 */
enum {
    TOLD_SMALL = 3,         /* of replica_small_names */
    TOLD_CURSOR_BYTES = 64, /* what goes back into a URL: letters, digits, ".-_" */
    TOLD_ACCOUNTS = 200000, /* of one answer; one that tells of more is none */
    TOLD_ARENA_BYTES = 32 << 20,
};

struct told {
    struct text cursor; /* 1 to TOLD_CURSOR_BYTES; borrows from the bytes or the arena */
    bool small[TOLD_SMALL];
    uint32_t lists;             /* of libraries, bit 0: 1 */
    const struct uid *accounts; /* in the arena; one may stand there twice */
    size_t account_count;
    bool has_more; /* accounts, to be asked for behind `next` */
    struct uid next;
};

/* False for anything else, and then nothing of it counts. */
bool told_read(struct arena *arena, struct text bytes, struct told *ret) MUST_USE;
