// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/control.h"
#include "programs/launch_list.h"
#include "trust/uid.h"

/*
 * launch_desk: at an origin, what shall lie at all edges before a moment, and how far each is
 * (docs/formats/launch.md).
 *
 *   sostenuto launch plan FILE ─▶ control {"do": "launch.plan", "path"} ─▶ STATE/launch
 *   edges ─▶ GET /launch (signed) … GET /launch/report ─▶ noted ─▶ {"do": "launch.status"}
 *
 * One plan at a time: another one takes its place.  Routes are for edges alone (api/peers.h).  On
 * the home loop.
 */
struct launch_desk;
struct api;
struct keyfolder;
struct library;
struct node_book;
struct server;

struct launch_desk_config { /* borrowed, and longer alive */
    struct api *api;
    struct keyfolder *keyfolder;
    struct library *library;
    struct node_book *book;
    const char *folder; /* STATE */
};
struct launch_desk *launch_desk_new(const struct launch_desk_config *config) MUST_USE;
void launch_desk_free(struct launch_desk **desk);
void launch_desk_routes(struct launch_desk *desk, struct server *server);
/* Takes the request when it is for this desk, and answers it. */
bool launch_desk_asked(struct launch_desk *desk, struct control_request *request,
                       struct text line) MUST_USE;
