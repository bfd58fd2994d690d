// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "state/copy.h"

/*
 * offer: one listener's state as an edge holds it, for an origin that took another's place and
 * lacks what only this edge has (docs/formats/listeners.md, "Offers"; docs/decisions/045).
 *
 *     "sostoffz" or "sostoffr", u32 size, an export of what opens (passwords, passkeys, apps'
 * secrets, cookies), then the export of a copy
 *
 * It is readable: who sends it has proven the other side by mutual TLS, and so has who takes it.
 *
 * An edge is believed about its listeners as far as its parcels would be, and a little further:
 *
 * - what merges, and what revokes an app, a session, a passkey: the greater order wins;
 * - what only an origin says (name, role, password, apps): where nothing is held here, with a stamp
 *   of before the promotion; and what a copy was blanked of, if it is of the same writing;
 * - that somebody is an admin, or that an account is gone: never;
 * - counts of plays: the greater one, up to what somebody can have played.
 *
 * Of counts, an edge offers what the lost origin had, as far as it heard ("sostoffz"): it freezes
 * them when it first hears of the new one.  What the new origin journalled since its last receipt
 * as an edge, the lost one never had; this is on top of the greater count.  An edge that started
 * anew meanwhile cannot tell ("sostoffr"): then the greater sum is taken, and one that was in both
 * is not doubled, but one that was in either may be lost.
 *
 * Merging, so an offer may come any number of times.
 */
struct state;

/* At an edge: what comes from now on is another origin's, until all is offered. */
void state_offers_begin(struct state *state);
void state_offers_end(struct state *state);
/* At an origin that was an edge, opened with state_config.kept: reads its journal behind that mark,
 * and counts plays on, until the last offer came, or there is none to come: then a journal that is
 * kept for offers alone goes as any other does.  The first BLOCKS. */
void state_offers_expect(struct state *state);
void state_offers_over(struct state *state);

enum { OFFER_MAX_BYTES = 8 << 20 };

/* Appends it.  What waits for the origin in the journal is merged in, but for plays: those are
 * counted when they arrive. */
void state_offer_write(const struct state *state, struct uid account, int64_t now_ms,
                       struct buffer *out);

struct offer_rules {
    int64_t until_ms; /* the lost origin said nothing after this */
    int64_t now_ms;
};

struct offer_taken { /* what it brought that was not here */
    uint32_t cells, counts;
    uint32_t secrets; /* cells that open something: password, passkeys, apps, cookies */
    bool is_new;      /* the account was not known */
    bool was_admin;   /* and is one no more */
};

/* LEARNT with *ret filled; BAD with words, and then nothing was taken; FULL: later. */
enum state_copy state_offer_take(struct state *state, struct uid account, struct text bytes,
                                 const struct offer_rules *rules, struct offer_taken *ret,
                                 const char **ret_why) MUST_USE;
