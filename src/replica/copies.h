// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keyring.h"

/*
 * copies: the last good copy of each signed object, in a folder: the bytes as they came, verified
 * before they are written and again when they are read.
 *
 * Newer is greater by (epoch, number); the same version signed again takes the older's place; an
 * older one never does (signed_is_newer()).  An expired copy is still one: how old it may be is for
 * who uses it.  BLOCKS on the disk; one thread.
 */
struct copies;

struct copy {
    struct text bytes; /* of the object whole */
    struct signed_object object;
    int64_t taken_ms;
};

/* Makes the folder when it is missing; 0 or -errno. */
int copies_open(const char *folder, const uint8_t fingerprint[32], struct copies **ret) MUST_USE;
void copies_close(struct copies **copies); /* accepts NULL inside */

/* From the disk: keys first, the rest by them.  False: there is none that verifies. */
bool copies_load(struct copies *copies, const char *name, int64_t now_s) MUST_USE;

enum copies_verdict {
    COPIES_TAKEN,   /* newer: durable, and held from now on */
    COPIES_SAME,    /* this very version is held; signed anew at most */
    COPIES_OLDER,   /* refused: a newer one is held */
    COPIES_UNKNOWN, /* refused: signed by a key that is not known (yet) */
    COPIES_BAD,     /* refused, *ret_why says why */
    COPIES_DISK,    /* good, but it could not be written: *ret_why */
};
enum copies_verdict copies_offer(struct copies *copies, const char *name, struct text bytes,
                                 int64_t now_ms, const char **ret_why) MUST_USE;

/* NULL when there is none.  Borrowed until that name is offered again. */
const struct copy *copies_get(const struct copies *copies, const char *name);
struct keyring *copies_ring(const struct copies *copies); /* borrowed; NULL: no keys yet */

/* Verifies an object that is not kept (a listener's state) by the keys that are held. */
enum copies_verdict copies_check(const struct copies *copies, struct text name, struct text bytes,
                                 int64_t now_ms, struct signed_object *ret,
                                 const char **ret_why) MUST_USE;
