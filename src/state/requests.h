// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * requests: what was asked of an edge while the origin, which alone decides it, could not be
 * reached (docs/decisions/042-requests.md).
 *
 *     request ─▶ waiting ── request.decided, by the origin, once ─▶ done, or refused and why
 *                   └────── request.forget, by the origin, days later ─▶ gone for ever
 *
 * A request belongs to the account that asked and is about one account.  It holds no password and
 * no secret.  Reads only, from memory, on the state's loop; changes go through state/batch.h.
 * What is returned is borrowed and valid until the loop's next turn.
 */
struct state;

enum request_what { REQUEST_MAKE, REQUEST_CHANGE, REQUEST_DELETE, REQUEST_WHATS };
const char *request_what_word(enum request_what what); /* "make", "change", "delete" */
bool request_what_from(struct text word, enum request_what *ret) MUST_USE;

/* What shall become of an account.  Of REQUEST_MAKE `about` is the id that it will have. */
struct account_wish {
    enum request_what what;
    struct uid about;
    struct text name; /* empty: stays */
    bool has_admin, is_admin, has_disabled, is_disabled, has_libraries;
    uint64_t libraries;
};

enum request_state { REQUEST_WAITING, REQUEST_DONE, REQUEST_REFUSED };

struct kept_request {
    struct uid id, account, session; /* who asked, in which session of theirs */
    int64_t asked_ms;
    struct account_wish wish;
    enum request_state state;
    int64_t decided_ms; /* 0: it waits */
    struct text why;    /* of one that was refused */
};

const struct kept_request *state_request(const struct state *state, struct uid account,
                                         struct uid id);
/* Walks through those of all accounts in no order: start with *cursor 0; NULL at the end. */
const struct kept_request *state_request_next(const struct state *state, size_t *cursor);
size_t state_request_count(const struct state *state); /* an upper bound of how many that are */
