// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/*
 * follow_status: GET /status of an edge that follows an origin (docs/formats/status.md): link, ages
 * of what is held, what waits.  Open to all, for it says nothing about anybody.
 */
struct edge_follow;
struct server;
void follow_status_route(struct edge_follow *follow, struct server *server);
