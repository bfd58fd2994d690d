// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * elsewhere: on a node that follows an origin (api_elsewhere in api.h), what is answered from the
 * replicas here and what goes to the origin.
 *
 *     /rest, /api/v1   held, and who asks can be proven ─▶ home loop, as on an origin
 *                      else ─▶ the origin, as it came
 *                      songs, pictures, lyrics, playlists of it: api/held.h
 *     sign-in and -out the origin; without one here (api/island.h)
 *     users, passwords the origin; without one kept as requests, or declined (api/requests.h)
 *     /m, /art         the grant opens it here ─▶ the cache, else the origin; without the grant
 *                      playlists of HLS are written here, from the manifest
 *                      else ─▶ the origin, as it came; nothing of the answer is kept
 *
 * Passwords and token+salt are proven here for listeners whose secrets lie here.  What is decided
 * by the request alone is decided where its connection lives; what needs accounts goes to the home
 * loop and, when it is not known there, back.
 */
struct api;
struct exchange;

/* The request names something that replicas answer, and who asks in a way that they can know. */
bool elsewhere_holds_rest(const struct exchange *exchange);
bool elsewhere_holds_player(const struct exchange *exchange);

/* The origin decides it; without one it is answered here all the same: kept as a request, or
 * declined with words (api/requests.h). */
bool elsewhere_asks(const struct exchange *exchange);

/* On the home loop: it is held, and yet the origin's to answer while it is reachable: who signs in
 * or out there has done so everywhere. */
bool elsewhere_yields(const struct api *api, const struct exchange *exchange);

/* On either loop: the origin answers. */
void elsewhere_go(struct api *api, struct exchange *exchange);
/* The same, and when it does not answer `alone(exchange, api)`, on the home loop. */
typedef void elsewhere_alone(struct exchange *exchange, void *api);
void elsewhere_go_or(struct api *api, struct exchange *exchange, elsewhere_alone *alone);

/* Whether the proof opens this object of /m, the same for all who may have it; then *ret has its
 * name, which may be another one.  On the connection's loop. */
struct api_object;
struct hot_proof;
bool elsewhere_opens_media(struct api *api, struct exchange *exchange,
                           const struct hot_proof *proof, struct api_object *ret);

/* Handlers of /m and /art, on the connection's loop. */
void elsewhere_media(struct exchange *exchange, void *api);
void elsewhere_art(struct exchange *exchange, void *api);
