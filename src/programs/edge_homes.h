// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"
#include "trust/node_list.h"

/*
 * edge_homes: when other edges come or go, this one may become home or backup to accounts, or cease
 * to be (trust/homes.h): their copies are asked for again, with or without the box that signs them
 * in (state/copy.h).
 *
 * What an account should have is compared with what it has, so that nothing need be remembered over
 * restarts.  Some hundred accounts in a turn of the loop, no more than the replica has room for; a
 * newer list begins anew.  On the home loop.
 */
struct replica;
struct state;

struct edge_homes {
    struct loop *loop;
    const struct state *state;
    struct replica **replica; /* NULL inside: not yet, or not any more */
    struct uid own;
    struct node_list *list; /* NULL: no walk */
    size_t cursor, account_count;
    struct loop_timer timer;
};

void edge_homes_init(struct edge_homes *homes, struct loop *loop, const struct state *state,
                     struct replica **replica, struct uid own);
/* NULL: none came yet.  No effect after edge_homes_release(): a list may be on its way then. */
void edge_homes_look(struct edge_homes *homes, struct node_list *list);
void edge_homes_release(struct edge_homes *homes);
