// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * alternates: other nodes that serve the same songs, for programs that never read /nodes but can be
 * told where to go on when this node dies (hls.c).
 *
 * Chosen among the welcome nodes of the signed list that say where listeners reach them, beginning
 * at a place that `seed` draws, so that the listeners of one node are spread over the others.  Who
 * is reached by https is never sent to a node that is not.  Pure; texts belong to the list.
 */
struct node_list;

enum { ALTERNATES_MAX = 3 };

struct alternates_wish {
    struct uid own;       /* this node, which is left out */
    uint64_t seed;        /* of the listener, or of the session */
    bool is_secure;       /* this listener came by TLS */
    bool without_origins; /* they are known to be away */
};

struct alternate {
    struct uid id;
    struct text origin; /* "https://paris.example.org" */
};

/* How many were found; the list may be NULL. */
size_t alternates_choose(const struct node_list *list, const struct alternates_wish *wish,
                         struct alternate ret[ALTERNATES_MAX]);
