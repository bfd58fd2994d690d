// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/key_file.h"

/*
 * promotion_edges: the book of edges of an origin that takes another's place: those that the
 * other's /nodes names stay nodes, with the keys and certificates that they have; those that its
 * /revoked names stay away.
 *
 * The edge that is promoted is none of them.  A door is chosen for them, so that they can come.
 */
struct copy;      /* replica/copies.h */
struct node_list; /* trust/node_list.h */
struct settings;

/* The list in it; NULL when there is none.  The caller's reference. */
struct node_list *promotion_edges_list(const struct copy *nodes) MUST_USE;
/* Who this edge was; an id of nobody when it followed without having joined. */
struct uid promotion_edges_own(const struct key_place *place);

/* The edges that would be taken over: none that was revoked.  Either copy may be NULL. */
size_t promotion_edges_count(const struct copy *nodes, const struct copy *revoked,
                             const struct key_place *place);
/* Either copy may be NULL.  False with words in `why`. */
bool promotion_edges_take(const struct settings *settings, const struct key_place *place,
                          const struct copy *nodes, const struct copy *revoked,
                          struct buffer *why) MUST_USE;
