// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"
#include "edge/edge.h"

/*
 * edge_launch: what the origin wants to lie at all edges before a moment (docs/formats/launch.md):
 * asked for every EDGE_PLACE_LAUNCH_EVERY_S, and told how much of it lies here.
 *
 * The list is a signed object; one that does not verify, or is older, changes nothing.  Home loop.
 */
struct edge_launch;

typedef void edge_launch_changed(void *context);
struct edge_launch *edge_launch_new(struct edge *edge, struct loop *loop,
                                    edge_launch_changed *changed, void *context) MUST_USE;
void edge_launch_free(struct edge_launch **launch);

size_t edge_launch_count(const struct edge_launch *launch);                   /* songs of it */
const uint8_t *edge_launch_track(const struct edge_launch *launch, size_t i); /* 16 bytes */
/* Of one song, which may be under way: bytes here, and of how many. */
void edge_launch_progress(struct edge_launch *launch, struct text track, uint64_t bytes,
                          uint64_t of_bytes);
void edge_launch_placed(struct edge_launch *launch, struct text track, bool is_placed);
/* The member "launch": number, wanted, placed, bytes, of. */
void edge_launch_write(const struct edge_launch *launch, struct json *json);
