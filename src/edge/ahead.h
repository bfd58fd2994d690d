// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/state.h"

/* ahead: when one of a sequence is answered, the next is asked for if policy has a pattern for it
 * and edge/prefetch.h allows it.  On the client's loop; the asking stays the caller's. */
void ahead_of(struct asking *asking);
