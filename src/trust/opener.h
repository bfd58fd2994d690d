// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keyring.h"

/*
 * opener: which edge opened a session, said by the session's id (docs/formats/tokens.md).
 *
 * The id of a session that an edge opened ends with the id of that edge's key; others believe a
 * session that they have not heard of only from the edge that its id names, or from the origin.  So
 * whatever a stolen edge opened is known for it, at any node and later, and ends when the edge is
 * revoked.  Ids that the origin draws are random and name nobody but by a chance of 2^-64.
 */
enum { OPENER_RANDOM_BYTES = UID_BYTES - KEY_ID_BYTES };

/* A new session's id, by whoever signs with this ring. */
struct uid opener_draw(const struct keyring *ring, int64_t now_s) MUST_USE;
bool opener_is(struct uid session, struct uid node);
