// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/subject.h"

/*
 * frozen: at a node that follows another origin than before, counts of plays as the origin before
 * had them, as far as this node heard of them (state/offer.h).
 *
 * Each is kept here before the new origin's word first changes it; what is not here is still what
 * it was.  Pure; by account and subject.
 */
struct frozen;

enum { FROZEN_MAX = 1 << 18 };

struct frozen *frozen_new(uint64_t seed, size_t max) MUST_USE;
void frozen_free(struct frozen **frozen);

/* The first one stands. */
void frozen_keep(struct frozen *frozen, struct uid account, struct subject subject, uint64_t count);
/* False: it is what is held. */
bool frozen_find(const struct frozen *frozen, struct uid account, struct subject subject,
                 uint64_t *ret_count) MUST_USE;
/* False: there was no room for one, so that some counts are the new origin's. */
bool frozen_is_whole(const struct frozen *frozen);
