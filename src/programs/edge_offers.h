// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/loop.h"
#include "trust/node_list.h"

/*
 * edge_offers: when the origin that this edge follows is another than before (sostenuto promote),
 * what this edge holds of its own listeners is offered to it (api/rebuild.h, state/offer.h).
 *
 *     start, or a greater epoch ─▶ ask ─┬─ nothing to rebuild ───────────────────────▶ done
 *                                       └─ 200 ─▶ offer each account ─▶ that was all ─┘
 *
 * No answer, 503, or one that is not the origin's word (offer_word.h): the same again, two seconds
 * later and up to half a minute.  An account that gets strange answers alone waits behind the
 * others, and until it is answered it is not said that this was all.
 *
 * One account at a time, in the order of ids.  STATE/offered keeps the origin's epoch and how far
 * this came, so that a restart goes on there, and an origin that was told is not asked again.
 * Begins when nothing waits in the journal, so that no play is counted twice or left out; after a
 * minute all the same.  On the home loop.
 */
struct edge_offers;
struct edge_writes;
struct member;
struct state;
struct workers;

struct edge_offers_config { /* all borrowed */
    struct loop *loop;
    struct workers *resolvers;
    const struct logger *logger;
    const char *folder; /* STATE */
    struct member *member;
    struct state *state;
    const struct edge_writes *writes;
    const struct node_list *(*nodes)(void *context); /* NULL: not known yet */
    void *context;
};

struct edge_offers *edge_offers_start(const struct edge_offers_config *config) MUST_USE;
/* The keys that are in force now are of this epoch; nothing when it is the same, or `offers` NULL.
 */
void edge_offers_look(struct edge_offers *offers, uint64_t epoch);
void edge_offers_stop(struct edge_offers **offers); /* accepts NULL inside */
