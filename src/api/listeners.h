// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/*
 * listeners: GET /listeners/{account}: one account's state as another node may hold it
 * (docs/formats/listeners.md): a signed object whose body is state/copy.h's.  For nodes that follow
 * this origin.  Made for each request: it is asked for once a change.
 */
struct api;
struct server;

void listener_routes(struct api *api, struct server *server);
