// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "io/loop.h"

/*
 * join: one request to the origin to let this edge join or renew its certificate, tried at each of
 * the origin's addresses in turn until one answers (trust/joining.h).
 *
 *   address 1 ── no TLS, no answer ──▶ address 2 ── … ──▶ none: the last one's fault
 *        └────── answered ──▶ 200: the answer     else: the origin's own words, and no further try
 *
 * Whoever has another root key gets nothing: the handshake fails before the request is sent.
 */
struct join;
struct node_tls;
struct workers;

enum { JOIN_ADDRESSES_MAX = 16, JOIN_TRY_MS = 5000, JOIN_WORDS_BYTES = 480 };

struct join_config { /* pointers are borrowed until the end; texts are copied */
    struct loop *loop;
    struct workers *resolvers;
    struct node_tls *nodes;
    struct text target;           /* JOINING_JOIN, JOINING_RENEW */
    struct text request;          /* signed */
    const struct text *addresses; /* "HOST:PORT" */
    size_t address_count;         /* 1 to JOIN_ADDRESSES_MAX */
};

struct join_result {
    bool is_done;
    bool is_final;       /* our origin said no; or nobody is it, and somebody else answered */
    struct text answer;  /* is_done: JSON, not verified yet */
    struct text address; /* that answered */
    const char *words;   /* else: for a person */
};
/* Once, on the loop; the join may be freed in it. */
typedef void join_done(void *context, const struct join_result *result);

struct join *join_start(const struct join_config *config, join_done *done, void *context) MUST_USE;
/* Without a word to `done`. */
void join_free(struct join **join);
