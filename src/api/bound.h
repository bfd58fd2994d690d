// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/player.h"
#include "trust/dpop.h"

/*
 * bound: the proof of a browser's key that a request of the player carries in its field DPoP.
 */

/* Sets player->proof when there is a good one.  False after answering 401 with what to do. */
bool bound_take(struct player *player) MUST_USE;
/* Whether it was made by a nonce that names this edge; false after answering with one. */
bool bound_names_node(struct player *player) MUST_USE;
/* Once everything else is right: false after answering, when this proof was used before, or the
 * account has used too many. */
bool bound_use_once(struct player *player, struct uid account) MUST_USE;
