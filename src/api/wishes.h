// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/requests.h"

/*
 * wishes: what may become of an account, and the operations that make it so: the same rules for an
 * admin at work (users.c) and for a request that an island kept (decide.h).
 *
 * Who wishes is not looked at here.
 */
struct batch;
struct state;

enum { WISH_NAME_MAX_BYTES = 64 };

struct wish_fault {
    unsigned status; /* HTTP */
    const char *title, *words;
};
/* NULL when it may be; static. */
const struct wish_fault *wish_fault(const struct state *state, const struct account_wish *wish);

/* 1 to 64 bytes of UTF-8, no control characters, no space at either end. */
bool wish_name_is_fine(struct text name);

/* Adds the operations; the batch is an operator's.  An account that is made has no password. */
void wish_grant(struct batch *batch, const struct account_wish *wish);

/* The same for the same account; of two that make one, of the same name. */
bool wish_equal(const struct account_wish *a, const struct account_wish *b);
