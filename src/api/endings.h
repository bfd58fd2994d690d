// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

/*
 * endings: what is being sent to a listener ends when the session or app that asked for it ends, or
 * the account: within the loop's turn, on every loop.  Each answer carries its owner and right
 * (ending_own()); who ends something pays for finding it, not each piece that is sent.
 *
 * A stream asked for with the account's own password (u, p) ends with the account.
 *
 * A session that this node believes by its signature alone (api/island.h) owns its answers without
 * an account: it is in no list of what an account may still hear, so they end when the news is that
 * it ended, and not with other sessions.  The ENDINGS_UNHEARD such sessions that were believed last
 * are remembered; of one before them an answer goes on to its end.
 */
struct api;
struct endings;
struct exchange;

struct endings *endings_new(struct api *api) MUST_USE;
void endings_free(struct endings **endings);
/* The state of this account changed: from within the merging, so what follows is done in a later
 * turn, and only if something was revoked. */
void endings_note(struct endings *endings, struct uid account);
/* A session that is not known here was believed; `account` is none where that is not known either.
 * On the home loop. */
enum { ENDINGS_UNHEARD = 4096 };
void endings_believed(struct endings *endings, struct uid session, struct uid account);
/* The answer of this exchange is this account's, by this right: a session, an app, or itself; of
 * nobody's (none) by a session that is not known here, or by a node. */
void endings_own(struct exchange *exchange, struct uid account, struct uid right);
