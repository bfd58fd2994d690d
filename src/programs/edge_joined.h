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
struct node_list;

enum { JOINED_PATIENCE_S = 60 };
/* Where `sostenuto edge` puts a token that it was given on its command line, before any other. */
#define EDGE_TOKEN_VARIABLE "SOSTENUTO_TOKEN"

struct edge_joined {
    struct member *member; /* NULL: this edge has not joined: --plain */
    struct join *join;     /* under way */
    struct loop_timer timer;
    uint64_t next_us;   /* a renewal is not asked for before, unless the certificate is over */
    unsigned failures;  /* of renewals, in a row */
    bool has_moved;     /* the origin lists other addresses */
    bool is_going_over; /* the renewal under way is asked of another origin */
};

/* `origin_url` as it stands on the command line, or NULL: where the origin also may be found.
 * False with words in `why`. */
bool edge_joined_open(struct edge_service *service, const char *origin_url,
                      struct buffer *why) MUST_USE;
/* Where listeners reach this edge, best: as it tells its origin. */
void edge_joined_url(const struct edge_service *service, char *ret, size_t capacity);
/* Another list of nodes: when it has other addresses of ours than we have, the origin is told by a
 * renewal, now, or a while after the last. */
void edge_joined_look(struct edge_service *service, const struct node_list *list);
void edge_joined_close(struct edge_service *service); /* after what uses the member */

/* Whether a renewal is under way; then no other can be. */
bool edge_joined_is_asking(const struct edge_service *service);
/* Renews at the door of an origin that took ours's place, "HOST:PORT"; then the server starts
 * anew. */
void edge_joined_go_over(struct edge_service *service, const struct text *addresses, size_t count);
