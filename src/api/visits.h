// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * visits: of an edge, the newest renewal of each visitor's session that was renewed here while the
 * origin was away (renewal.h), as the proof of what they do next.
 *
 * In memory only: after a restart a visitor has none until the next renewal.  At most VISITS_MAX
 * sessions: when there are so many, those that were not renewed for an hour are forgotten, and
 * while there are none of these a new one is not kept.  On the home loop.
 */
struct renewal;
struct visits;

/* Renewals come each quarter of an hour; the rest of the hour is for clocks that differ. */
enum { VISITS_MAX = 16384, VISITS_GOOD_S = 3300, VISITS_SWEEP_S = 60 };

struct visits *visits_new(void) MUST_USE;
void visits_free(struct visits **visits); /* accepts NULL inside */

/* Copies; in place of an older one of this session. */
void visits_note(struct visits *visits, const struct renewal *renewal, struct text proof,
                 int64_t now_s);
/* The proof for what this account does in this session now; borrowed until the next renewal. */
bool visits_find(const struct visits *visits, struct uid session, struct uid account, int64_t now_s,
                 struct text *ret) MUST_USE;
/* The token by which another node vouched for the session, as it was kept; may be empty. */
struct text visits_token(const struct visits *visits, struct uid session);
size_t visits_count(const struct visits *visits);
