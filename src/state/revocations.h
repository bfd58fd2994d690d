// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "trust/uid.h"

/*
 * revocations: what was ended before its time: sessions and apps, each until nothing that was
 * signed for it could still be good.  Part of the accounts' view, internal to state/.
 *
 * Bounded: past REVOCATIONS_MAX the one that would be over first gives way.
 */
enum { REVOCATIONS_MAX = 1 << 16 };
enum revocation_kind { REVOKED_SESSION, REVOKED_APP };

struct revocation {
    struct uid id;
    int64_t until_ms;
    enum revocation_kind kind;
};

struct revocations {
    struct revocation *items; /* a heap: items[0] is over first */
    size_t count, capacity;
};

void revocations_release(struct revocations *revocations);
void revocations_add(struct revocations *revocations, const struct revocation *revocation);
