// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
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
 */
struct api;

void exposure_settle(struct api *api);
bool exposure_has_password(const struct api *api, struct uid account);
