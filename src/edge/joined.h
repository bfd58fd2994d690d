// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"

/*
 * joined: several objects of this service as the body of one answer: a rendition's init and
 * segments are a song that plays.
 *
 * Each is brought (edge/bring.h) whole before its first byte is sent, the next one while the
 * present one is; so a client has two of them in memory here.  An object that does not come, or has
 * another size than was said, cuts the answer short, and the client can tell.
 */
struct edge_part {
    struct text target;
    uint32_t bytes; /* exactly */
};
enum { EDGE_PARTS_MAX = 20000, EDGE_PART_MAX_BYTES = 32 << 20 };

/* On the connection's loop: answers 200; parts and texts are the exchange's, or as long alive; the
 * fields were written before.  FINISHES. */
void edge_send_joined(struct edge *edge, struct exchange *exchange, const struct edge_part *parts,
                      size_t count);
