// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/passkey.h"

/*
 * passkeys: by which passkeys an account may sign in.  Reads only, from memory, on the state's
 * loop; changes go through state/batch.h.  What is returned is borrowed and valid until the loop's
 * next turn.
 */
struct state;

enum { ACCOUNT_MAX_PASSKEYS = 32 };

struct account_passkey {
    struct uid id, account; /* id: passkey_uid() of its credential */
    struct text label;
    struct passkey passkey;
    int64_t created_ms, used_ms; /* 0: never */
};

const struct account_passkey *state_passkey(const struct state *state, struct uid id);
/* Walks in no order: start with *cursor 0; NULL at the end. */
const struct account_passkey *state_passkey_next(const struct state *state, struct uid account,
                                                 size_t *cursor);
