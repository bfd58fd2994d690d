// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/subject.h"

/*
 * uncounted: at a node that forwards, plays that were accepted here and that the origin has not
 * counted yet, as far as its copies say.
 *
 *     what a listener sees = base (the origin's count) + waiting (not arrived) + settled (arrived,
 *                            and the copy that has them is still to come)
 *
 * A play that turns out to have been there before (sent again, by way of two edges) stops to be
 * counted here when the origin says so; one that was new stays until a copy that the origin made
 * after it (or a minute before, as it says: then its clock went back).  Pure; by account and
 * subject; what there is no room for is counted as if it had come by a copy.
 */
struct uncounted;

enum { UNCOUNTED_MAX = 1 << 20 };

struct uncounted *uncounted_new(uint64_t seed, size_t max) MUST_USE;
void uncounted_free(struct uncounted **uncounted);

/* One more was merged here, `shown` is the sum with it. */
void uncounted_add(struct uncounted *uncounted, struct uid account, struct subject subject,
                   uint64_t shown);

/* What is seen from now on, in *ret_shown; false when nothing of that subject waits here. */
bool uncounted_arrived(struct uncounted *uncounted, struct uid account, struct subject subject,
                       bool is_new_there, int64_t at_ms, uint64_t *ret_shown) MUST_USE;
/* The origin counted so many when it made the copy. */
bool uncounted_learn(struct uncounted *uncounted, struct uid account, struct subject subject,
                     uint64_t count, int64_t made_ms, uint64_t *ret_shown) MUST_USE;

/* Of what is shown, plays that have not arrived. */
uint64_t uncounted_waiting(const struct uncounted *uncounted, struct uid account,
                           struct subject subject);
