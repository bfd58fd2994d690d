// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "io/loop.h"
#include "trust/node_list.h"

/*
 * succession: is there a newer origin than the one that this node knows
 * (docs/decisions/037-promote.md)?
 *
 *     timer ─▶ next node ─▶ GET /keys ── not of a greater epoch, or no answer ──▶ timer
 *                               └─ the root signed a greater one ─▶ GET /nodes ─▶ news
 *
 * One node is asked at a time, at its public address, as a listener would ask.  Whatever it answers
 * is believed for the root key's signature alone, so that it does not matter who answers.  Each
 * round goes on to the next address.  A node that lies costs a request.
 *
 * Edges and origins ask alike: an edge goes over to the new origin, an origin gives way to it.
 */
struct succession;
struct workers;

enum { SUCCESSION_ADDRESSES_MAX = 64 };

struct succession_news { /* borrowed */
    uint64_t epoch;
    struct text keys, nodes; /* the objects whole */
    const struct node_list *list;
    const struct node_entry *origin; /* in it */
};

struct succession_config {
    struct loop *loop;
    struct workers *resolvers; /* borrowed */
    const char *ca;            /* file, for https: NULL: the system's */
    const uint8_t *root;       /* public key; borrowed */
    /* What is held now: a greater one is news. */
    uint64_t (*epoch)(void *context);
    /* "http[s]://HOST[:PORT]" of other nodes, at most SUCCESSION_ADDRESSES_MAX; borrowed until the
     * loop turns. */
    size_t (*addresses)(void *context, struct text *ret);
    uint64_t (*pause_us)(void *context); /* until the next is asked */
    void (*on_news)(void *context, const struct succession_news *news);
    void *context;
};

/* NULL, with words in `why`: the file of `ca` cannot be used. */
struct succession *succession_start(const struct succession_config *config, char *why,
                                    size_t why_size) MUST_USE;
void succession_stop(struct succession **succession); /* accepts NULL inside */
