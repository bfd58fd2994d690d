// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "programs/promotion.h"

/*
 * promotion_accounts: what a folder holds of accounts, and what of theirs only other edges hold:
 * passwords and app secrets lie at home and backup alone (trust/homes.h), and come from there once
 * the new origin runs (api/rebuild.h).
 */
struct copy; /* replica/copies.h */
struct key_place;

/* Fills in what findings say of accounts and apps, and the state's epoch when that is greater.
 * Opening a state also writes into state.db what was only in the journal. `nodes` may be NULL.
 * False with words in `why`. */
bool promotion_accounts_look(const struct promotion_config *config, const struct key_place *place,
                             const struct copy *nodes, struct promotion_findings *found,
                             struct buffer *why) MUST_USE;
