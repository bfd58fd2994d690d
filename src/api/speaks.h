// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/renewal.h"
#include "state/operation.h"
#include "trust/node_book.h"

/*
 * speaks: for whom an edge may speak to its origin, and about what (docs/decisions/033-writes.md).
 *
 * For its own listeners: those of whom it has been home or backup at any moment since it joined,
 * for an edge that is cut off does not hear that others joined.  For a visitor with the operation's
 * proof (operation.h): an access token that was good when it was accepted and that the origin or
 * another edge signed whose own listener that is, the renewal of a session there by the browser's
 * key (renewal.h), or the mark that an app's secret leaves at one node in one hour.  Requests
 * (requests.h) it brings for its own alone: else an edge that an admin once came by could ask in
 * their name.
 */
struct api;

/*
 * Whose listeners some accounts are costs a hash of each edge, for each edge that was ever revoked:
 * remembered while one parcel is judged, for so long as the book cannot change meanwhile; and so
 * are signatures of browsers.  Starts as zeros; of one edge; borrows from the parcel.
 */
enum { SPEAKS_REMEMBERED = 64 };
struct speaks_memo {
    struct speaks_answer {
        struct uid account;
        bool is_known, is_own;
    } answers[SPEAKS_REMEMBERED]; /* by a byte of the account */
    struct renewal_memo renewals[SPEAKS_REMEMBERED];
};

/* NULL when it may; else static words for the audit log and the receipt. */
const char *speaks_why_not(const struct api *api, const struct node_seat *seat,
                           const struct operation *operation, struct speaks_memo *memo);

/* Whether this account is, or at any moment since the edge joined was, one of its own listeners;
 * also of a revoked edge. */
bool speaks_for_own(const struct api *api, const struct node_seat *edge, struct uid account);

/* Whether `node` is an edge of the book, not revoked, that may so speak for the account: what it
 * signs for a session of theirs holds. */
bool speaks_was_home(const struct api *api, struct uid node, struct uid account);

/* --- proofs of visitors --- */
enum {
    PROOF_TOKEN = 'T', /* then the token */
    PROOF_APP = 'A',   /* then the app's id and the mark */
    PROOF_MARK_BYTES = 32,
};
struct secret;
/* BLAKE2b-256 of node and hour, keyed with the secret: who does not know it cannot make one. */
void speaks_mark(const struct secret *secret, struct uid node, int64_t at_ms,
                 uint8_t ret[PROOF_MARK_BYTES]);
