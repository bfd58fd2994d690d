// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/requests.h"

#include <stdint.h>

/*
 * decide: at an origin, requests that its edges kept (state/requests.h) are decided, one after
 * another, each once.
 *
 * Whoever asked needs the right now, not when they asked: an account that is an admin's and not
 * closed, and a session that nobody has ended since.  A session that is not known here may still
 * come, by way of the edge that opened it: such a request waits.  The change and the decision are
 * one entry of the journal, so a crash leaves both or neither; what is left to decide is found
 * again at the start, and every half minute.  Decisions are shown for a week, then forgotten.
 *
 * An edge brings what it kept in parcels, one after the other: what came is decided two seconds
 * later, so that a session which the island ended behind the request has ended here, too.
 */
struct api;
struct decider;

struct decider *decider_new(struct api *api) MUST_USE;
void decider_free(struct decider **decider); /* accepts NULL inside */
/* Something may have come: it is decided soon. */
void decider_look(struct decider *decider);

/* Decided so long ago that it is shown no more. */
bool decide_is_over(const struct kept_request *request, int64_t now_ms);
