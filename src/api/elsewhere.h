// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * elsewhere: on a node that follows an origin (api_elsewhere in api.h), what is answered from the
 * replicas here and what goes to the origin.
 *
 *     /rest, /api/v1   held, and the token or apiKey known ─▶ home loop, as on an origin
 *                      else ─▶ the origin, as it came
 *     /m, /art         the grant opens it here ─▶ the cache, else the origin; without the grant
 *                      else ─▶ the origin, as it came; nothing of the answer is kept
 *
 * Passwords and token+salt are the origin's to prove, so who signs in with each request is answered
 * by it.  What is decided by the request alone is decided where its connection lives; what needs
 * accounts goes to the home loop and, when it is not known there, back.
 */
struct api;
struct exchange;

/* The request names something that replicas answer, and who asks in a way that they can know. */
bool elsewhere_holds_rest(const struct exchange *exchange);
bool elsewhere_holds_player(const struct exchange *exchange);

/* On either loop: the origin answers.  No field of an answer may have been written. */
void elsewhere_go(struct api *api, struct exchange *exchange);

/* Handlers of /m and /art, on the connection's loop. */
void elsewhere_media(struct exchange *exchange, void *api);
void elsewhere_art(struct exchange *exchange, void *api);
