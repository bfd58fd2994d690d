// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/call.h"
#include "trust/secret.h"

/*
 * credentials: who asks, by what a request under /rest carries.
 *
 *     apiKey                        an app secret; never with u
 *     u t s                         t = md5(an app secret of u + s)
 *     u p                           an app secret or the password, clear or "enc:" and hex
 *     Authorization: Bearer         the access token of a player session
 *
 * Exactly one of them.  Cookies are never looked at, so a page elsewhere cannot borrow anybody's
 * sign-in.
 */

/*
 * CALL_ELSEWHERE: a node that follows does not know the token or apiKey; nothing was done.
 * On CALL_OK call->account_id says who.  CALL_FAILED: call_fail() was called.  CALL_LATER: a
 * password is being proved; `then(call, end)` will be called on the loop with CALL_OK or
 * CALL_FAILED.
 */
typedef void credentials_then(struct call *call, enum call_end end);
enum call_end credentials_prove(struct call *call, credentials_then *then) MUST_USE;

/* The app of this secret, by our keyed index or, as in copies, by the secret's own hash; or NULL.
 */
const struct app *credentials_app(const struct api *api, const struct secret *secret);

/* What an Authorization field shows as "Bearer"; TEXT_NONE: nothing. */
struct text credentials_token(const struct exchange *exchange);
/* The session that an Authorization field's access token belongs to, if it is alive; else NULL. */
const struct session *credentials_bearer(struct api *api, const struct exchange *exchange);
