// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"

/*
 * prefetch: who plays segment 3 will want segment 4, so an edge has it by then.
 *
 * A pattern says where in a path the number stands: "/{n}.m4s" fits "/m/7/aac/3.m4s", and the next
 * is
 * "/m/7/aac/4.m4s", with the same query and fields.  What is asked for ahead is bounded, in bytes a
 * second, in bytes that nobody has asked for yet, and in requests at once; a listener who wants it
 * meanwhile shares its flight.  Where an origin says that there is none (the end of a sequence),
 * nobody asks again for a while.  While an origin is slow or dead nothing is asked for ahead.
 *
 * This is what is remembered and allowed; the requests are leads (lead_prefetch()).  One for all
 * loops, behind a lock that is held for some ns.
 */
struct prefetch;

struct prefetch_limits {
    uint64_t bytes_per_s;  /* 0: nothing is asked for ahead */
    uint64_t unused_bytes; /* that nobody has asked for yet */
    uint32_t at_once;
};
struct prefetch *prefetch_new(const struct prefetch_limits *limits) MUST_USE;
void prefetch_free(struct prefetch **prefetch);

/* Whether a pattern holds "{n}" once. */
bool prefetch_pattern_is_sound(struct text pattern);
/* Pure: the target after this one, written to `out`; false when the pattern does not fit. */
bool prefetch_next(struct text pattern, struct text target, struct buffer *out) MUST_USE;

/* `key`: a number that stands for it.  Whether it may be asked for now; then one of the next two
 * follows. */
bool prefetch_may_begin(struct prefetch *prefetch, uint64_t key, int64_t now_ms) MUST_USE;
void prefetch_came(struct prefetch *prefetch, uint64_t key, uint64_t bytes, int64_t now_ms);
/* `is_missing`: there is none, or it is not to be kept; else it was there already, or failed. */
void prefetch_came_not(struct prefetch *prefetch, uint64_t key, bool is_missing, int64_t now_ms);
/* A client has asked for it. */
void prefetch_visited(struct prefetch *prefetch, uint64_t key, int64_t now_ms);
