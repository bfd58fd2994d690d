// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

/*
 * endings: what is being sent to a listener ends when the session or app that asked for it ends, or
 * the account: within the loop's turn, on every loop.  Each answer carries its owner and right
 * (ending_own()); who ends something pays for finding it, not each piece that is sent.
 *
 * A stream asked for with the account's own password (u, p) ends with the account.
 */
struct api;
struct endings;
struct exchange;

struct endings *endings_new(struct api *api) MUST_USE;
void endings_free(struct endings **endings);
/* The state of this account changed: from within the merging, so what follows is done in a later
 * turn, and only if something was revoked. */
void endings_note(struct endings *endings, struct uid account);
/* The answer of this exchange is this account's, by this right: a session, an app, or itself. */
void endings_own(struct exchange *exchange, struct uid account, struct uid right);
