// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/member.h"
#include "io/loop.h"

/*
 * edge_joined: an edge that belongs to an origin: joins with a token the first time, finds what it
 * needs in its folder afterwards, and renews its certificate while it runs.
 *
 * Joining waits for the origin, JOINED_PATIENCE_S at most.  Afterwards nothing here waits for it.
 */
struct edge_service;
struct join;

enum { JOINED_PATIENCE_S = 60 };
/* Where `sostenuto edge` puts a token that it was given on its command line, before any other. */
#define EDGE_TOKEN_VARIABLE "SOSTENUTO_TOKEN"

struct edge_joined {
    struct member *member; /* NULL: this edge has not joined: --plain */
    struct join *join;     /* under way */
    struct loop_timer timer;
    unsigned failures; /* of renewals, in a row */
};

/* `origin_url` as it stands on the command line, or NULL: where the origin also may be found.
 * False with words in `why`. */
bool edge_joined_open(struct edge_service *service, const char *origin_url,
                      struct buffer *why) MUST_USE;
void edge_joined_close(struct edge_service *service); /* after what uses the member */
