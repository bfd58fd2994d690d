// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"

/*
 * bring: an object of this service by name, for this node itself: into the cache, and its bytes
 * where they are wanted.
 *
 *     edge_bring ─▶ as any listener asks (asking.h's flow, the same flight) ─▶ read along ─▶ told
 *
 * Nobody's connection is behind it, so it gives way to whoever asks for himself.  Bounded by the
 * bounds of fetches; it cannot be cancelled, and is told once whatever happens.
 */
enum bring_result {
    BRING_HERE,   /* held whole; with its bytes, if they were wanted */
    BRING_NOT_SO, /* answered, but not with 200: `status` says how */
    BRING_FAILED, /* nobody answers, it broke off, or it does not fit */
};
struct brought {
    enum bring_result result;
    unsigned status;
    bool was_held;     /* nobody was asked */
    uint64_t size;     /* of the object, where it is known */
    struct text bytes; /* borrowed for the call */
};
typedef void edge_brought(void *context, const struct brought *brought);

/*
 * `target` is copied.  `most_bytes` 0: what it holds is of no interest, and what lies on the disk
 * is not read.  `told` is called on the loop of that index, which is the caller's, never before
 * this returns.
 */
void edge_bring(struct edge *edge, size_t loop_index, struct text target, size_t most_bytes,
                edge_brought *told, void *context);
