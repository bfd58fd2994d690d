// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "trust/uid.h"

/*
 * exposure: what an edge knew that was revoked, and what the origin does about it
 * (docs/decisions/034-island.md).
 *
 *   sessions that it opened                     end, whoever's they are
 *   apps of listeners that had a home in it     end: it held their secrets
 *   passwords of the same                       stay, and are said to be exposed until changed
 *
 * Whose secrets it held is not written down but follows from the book (api/speaks.h): boxes went to
 * whom it was home or backup of.  Doing it again changes nothing.  All on the home loop, of an
 * origin with a book of edges; elsewhere nothing is exposed.
 *
 *     settle ─▶ all accounts ─▶ some of them in this turn ─▶ … ─▶ the last: done, or once more
 *
 * With many edges that is much: to whom an edge was home costs a hash of each, for each that was
 * ever revoked.  A turn of the loop does so much of it, and the rest waits for the next.
 */
struct api;
struct exposure;

struct exposure *exposure_new(struct api *api) MUST_USE;
void exposure_free(struct exposure **exposure); /* accepts NULL inside */
/* The book of edges may be another: begins now, and goes on in later turns. */
void exposure_settle(struct exposure *exposure);
bool exposure_is_settled(const struct exposure *exposure);
bool exposure_has_password(const struct api *api, struct uid account);
