// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/status_pages.h"

/*
 * follow_status: what an edge that follows an origin knows of itself: link, ages of what is held,
 * what waits here and to be brought to the origin.  On the home loop.
 */
struct edge_follow;
void follow_status_fill(const struct edge_follow *follow, struct node_status *status);
