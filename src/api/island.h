// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * island: what this node judges by itself about sign-ins and sessions, and what it says when it
 * cannot (docs/decisions/034-island.md).
 *
 *                       origin reachable                  island
 *     origin            judges all                        -
 *     home, backup      passwords of requests, renewals   the same, and sign-ins
 *     another edge      known sessions and apps           the same, and renewals: a visitor's
 *     any edge whose /revoked is older than the grace     nothing that makes a session last longer
 *
 * What is not judged here goes to the origin, or without one gets words that name the listener's
 * home.  All on the home loop.
 */
struct api;
struct arena;
struct node_list;
struct player;

bool island_is_linked(const struct api *api); /* an origin always is */
bool island_is_home(const struct api *api, struct uid account);
/* Whether this node signs tokens and grants just now: it has keys, and the grace is not over. */
bool island_may_sign(const struct api *api, int64_t now_ms);

/* What `node` signed for a session of this account holds here: it is the origin (none), this node,
 * or the home or backup of the account (docs/formats/tokens.md). */
bool island_believes(const struct api *api, struct uid node, struct uid account);

/*
 * Whether a session that is none here may be one of which the news is still on its way: this node
 * follows, the origin (`node` none) signed for it, and it neither ran out nor ended, as far as is
 * known here.  Then a good signature speaks for it (docs/formats/tokens.md, "Judging one").
 * `account` is whose, or none where that is not known: then all that ended is looked through.
 */
bool island_may_hear_of(const struct api *api, struct uid node, struct uid account,
                        struct uid session);

/* Stands for the account of a name that nobody has, so that answers about homes do not tell which
 * names exist. */
struct uid island_uid_of_name(struct text name);

/*
 * Whether a password for `name` is another node's to judge: nothing is held here to prove it by.
 * *ret_account is whose home to name: for a name that nobody has it is drawn from the name, so that
 * answers do not tell which names exist.
 */
bool island_lacks_password(const struct api *api, struct text name, struct uid *ret_account);

enum island_lack {
    ISLAND_LACKS_PASSWORD, /* or an app's secret: nothing to prove it by */
    ISLAND_LACKS_SESSION,  /* it does not know, or cannot judge, this session */
    ISLAND_IS_OVER,        /* the grace is over, or it never heard of its origin */
};
/* For people; names the home of the account.  Of the arena, or static. */
struct text island_words(const struct api *api, struct arena *arena, enum island_lack lack,
                         struct uid account, int64_t now_ms);
enum { ISLAND_RETRY_S = 30 };

/* FINISHES: the origin answers, or 503 with those words. */
void island_pass(struct player *player, enum island_lack lack, struct uid account);

/* Whether this node opens sessions just now; false after island_pass(). */
bool island_opens(struct player *player) MUST_USE;
/* Whether it renews one of this account: a visitor's is the origin's while that is reachable.
 * False after island_pass(). */
bool island_renews(struct player *player, struct uid account) MUST_USE;

/* The list of nodes is another: whose signatures under tokens and grants hold follows, and proofs
 * by others are forgotten.  `list` NULL: nobody's. */
void island_take_nodes(struct api *api, struct node_list *list);
