// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "edge/edge.h"

/*
 * adopt: an edge before a foreign OpenSubsonic server, so that its listeners' music goes on without
 * it (docs/decisions/038-adoption.md).
 *
 *     app ─▶ gate ─┬─ reads: the server's answer, as it came ◀─ pass ─▶ foreign server
 *    (home loop)   │         away, or too slow: island ◀─ book ◀─ walk, refresh (threads)
 *                  ├─ writes: book, durably, then told: replay (thread) ─▶ foreign server
 *                  └─ audio and artwork: the edge's cache, asked for as the operator
 *
 * Its routes are /rest/ and /status; everything else is the plain edge's.  All on the home loop's
 * thread.
 */
struct adopt;
struct keys;
struct throttle_limits;

struct adopt_config {   /* all borrowed, and longer alive */
    const char *folder; /* STATE */
    const char *url, *ca_file;
    struct text user, password; /* the operator's, copied */
    const struct keys *keys;
    const struct logger *logger;
    struct loop *loop;
    struct edge *edge;
    struct workers *resolvers;
    const struct throttle_limits *signin;
    unsigned patience_ms;  /* a slower answer comes from the island */
    unsigned requests_s;   /* of the walk */
    unsigned walk_minutes; /* how often the server is asked for changes */
    int64_t max_writes;    /* that may wait */
};

/* What the edge asks upstream with, besides the target: "u=…&p=…".  False when it is too long. */
bool adopt_operator_query(struct text user, struct text password, char *ret, size_t room) MUST_USE;

/* NULL with words in `why`. */
struct adopt *adopt_start(const struct adopt_config *config, char *why, size_t why_size) MUST_USE;
void adopt_routes(struct adopt *adopt, struct server *server);
/* No thread of its own runs any more, and no request of its own is under way; before the server is
 * freed. */
void adopt_stop(struct adopt *adopt);
void adopt_free(struct adopt **adopt); /* after the server */
