// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

#include <stddef.h>

/*
 * homes: which edge is an account's home, and which its backup: computed, not stored, so that every
 * node that holds the same /nodes says the same (docs/formats/nodes.md, "Home and backup").
 *
 * Rendezvous (highest random weight, Thaler and Ravishankar 1998): the score of an edge for an
 * account is SHA-256(account id, edge id), 16 bytes each, compared as bytes; the highest is the
 * home, the next the backup.  An edge that comes or goes moves only its own accounts: about one in
 * n of the homes, and who loses a home finds its former backup there.
 *
 * Pure.  The edges are the welcome ones of a list: node_list_homes() in trust/node_list.h.
 */
struct homes {
    struct uid home, backup; /* none where there are not that many edges */
};

/* The order of the ids does not matter; each counts once. */
struct homes homes_of(struct uid account, const struct uid *edges, size_t edge_count);

static inline bool homes_has(const struct homes *homes, struct uid edge)
{
    return !uid_is_none(edge) && (uid_equal(homes->home, edge) || uid_equal(homes->backup, edge));
}
