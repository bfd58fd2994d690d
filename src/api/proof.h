// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/hot.h"

/*
 * proof: what a request for /m or /art may have: its grant, from the field Sostenuto-Grant or ?g=,
 * looked at on the connection's loop, or found out on the home loop and learnt there.
 *
 * An edge that asks for itself (peers.h) needs none: it holds what its listeners will want.
 *
 * A grant names a session; when that has ended here, so has the grant, whatever its own time says.
 * One of which a node that follows has not heard yet is believed by the origin's signature, for ten
 * seconds at a time (island_may_hear_of()).
 * Ask hot_proof_opens() or hot_proof_opens_art(), and look the track up within proof->libraries.
 */
struct api;
struct exchange;

/* On the connection's loop; NULL when the home loop must find out. */
const struct hot_proof *proof_recall(const struct api *api, const struct exchange *exchange);
/* On the home loop; false when there is no such grant, session or account, and no edge asks. */
bool proof_look(struct api *api, struct exchange *exchange, struct hot_proof *ret) MUST_USE;
/* The same, false after answering 401. */
bool proof_at_home(struct api *api, struct exchange *exchange, struct hot_proof *ret) MUST_USE;
/* The grant as the request has it; empty: none. */
struct text proof_grant(const struct exchange *exchange);
/* Who it is for, in the log; proof_at_home() has done so. */
void proof_show(struct exchange *exchange, const struct hot_proof *proof);
