// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/status_pages.h"

/* origin_status: what an origin knows of itself: state, library, database of record, and the door
 * for its edges.  On the home loop; a struct service is the context. */
void origin_status_fill(void *service, struct node_status *status);
