// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/forwarder.h"
#include "edge/member.h"
#include "programs/settings.h"
#include "state/arrival.h"
#include "state/state.h"
#include "trust/node_list.h"

/*
 * edge_writes: an edge takes what its listeners do, and it arrives at the origin
 * (docs/decisions/033-writes.md): the state's outbox and the forwarder, joined.
 *
 *     state ── journalled ─▶ forwarder ── receipt ─▶ state_arrived() ── durable ─▶
 * forwarder_taken()
 *
 * All on the home loop; independent of how the line to the origin is had.
 */
struct edge_writes {
    const struct logger *logger;
    struct loop *loop;
    struct state *state;
    struct forwarder *forwarder; /* NULL: nothing is forwarded yet, or any more */
    const struct settings *settings;
    struct member *member;       /* NULL: parcels go unsigned, by an admin's token */
    struct state_forwarded left; /* by the process before */
};

/* Before state_open(), whose config points to `left` then. */
void edge_writes_prepare(struct edge_writes *writes, const struct settings *settings,
                         struct loop *loop, const struct logger *logger);
/* The state is open. */
struct edge_writes_line {
    struct forwarder_line line;
    const struct forwarder_place *places;
    size_t place_count;
    struct workers *resolvers;
};
void edge_writes_start(struct edge_writes *writes, struct state *state,
                       const struct edge_writes_line *line);
/*
 * The same for an edge that joined: parcels signed by its key, to the origin's addresses for nodes,
 * or through other edges when none of these answers.
 */
void edge_writes_start_joined(struct edge_writes *writes, struct state *state,
                              struct member *member, struct workers *resolvers);
/* The edges through which parcels may go, from now on. */
void edge_writes_look(struct edge_writes *writes, const struct node_list *list);
/* Before the state is closed; what did not arrive is in the journal.  Nothing when not started. */
void edge_writes_stop(struct edge_writes *writes);

/* What waits, for status pages. */
struct edge_writes_status {
    uint64_t waiting;    /* operations that have not arrived */
    int64_t since_ms;    /* the oldest was accepted then; 0: none */
    int64_t answered_ms; /* of the last receipt; 0: none in this process */
    char trouble[200];
};
void edge_writes_status(const struct edge_writes *writes, struct edge_writes_status *ret);
