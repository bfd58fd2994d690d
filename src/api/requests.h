// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * requests: at an edge whose origin does not answer, what only the origin may decide is kept as a
 * request instead of failing (state/requests.h, docs/formats/operations.md "Requests").
 *
 *     POST, PATCH, DELETE /api/v1/users   202 and the request, once it is durable here
 *     GET /api/v1/requests                at any node: what became of one's own
 *
 * Bounded: max_requests_waiting of one account, max_requests_kept in all.  Asked again while it
 * waits it is the same request.  What holds a password, or whose answer is a secret, is not kept:
 * requests_decline() says so.
 */
struct api;
struct account_wish;
struct player;

/* On an edge alone: keeps it, or says why not; FINISHES. */
void requests_keep(struct player *player, const struct account_wish *wish);

/* Whether this node cannot do what needs a secret, because it is an edge and alone; then it has
 * answered. */
bool requests_decline(struct player *player) MUST_USE;

/* Whether one more of this account may be kept, beside `coming` others that are not merged yet. */
bool requests_has_room(const struct api *api, struct uid account, size_t coming) MUST_USE;
