// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * visitor: at an edge, the proof that a listener who is not one of its own was there, for the
 * operations that they make now (api/speaks.h judges it, at the origin).
 *
 * Whose an account is, is asked of all edges that are listed, heard of lately or not: an edge that
 * is chosen among all of them was chosen by the origin, too.
 */
struct api;
struct exchange;

/* Whether this is an edge, and the account is not one of its own listeners. */
bool visitor_is(const struct api *api, struct uid account);

/*
 * *ret, from the exchange's arena, is empty for an edge's own listeners and at an origin.  False: a
 * visitor whose request holds nothing that the origin would believe: an access token that this edge
 * signed itself, for a renewal that proves nothing: by a cookie, or by a clock that is far off.
 * What such a visitor does must not be acknowledged: it would arrive nowhere.
 */
bool visitor_prove(const struct api *api, struct exchange *exchange, struct uid account,
                   struct text *ret) MUST_USE;

/* The same by the renewal of this session alone, as it was kept. */
bool visitor_prove_renewed(const struct api *api, struct exchange *exchange, struct uid account,
                           struct uid session, struct text *ret) MUST_USE;

/* A visitor's session is renewed here, by a proof that names this edge, and by `token`: kept for
 * what they do until the next renewal, when the origin would believe it. */
void visitor_renewed(const struct api *api, struct exchange *exchange, struct uid session,
                     struct text token);
