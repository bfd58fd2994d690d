// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/player.h"

/*
 * session: what a player's sign-in consists of: a short access token, a grant for audio and
 * artwork, and what renews both: the browser's key, or a cookie.  Of the session handlers alone.
 */

/* FINISHES the exchange with the session object, or with 401 when the account is gone. */
void session_send(struct player *player, const struct session *session, unsigned status);
/* The one that an answer is about, between the handler's steps; NULL after answering 503. */
struct session_step {
    struct session session; /* its label is in the exchange's arena */
    struct refresh refresh; /* of the cookie, when there is one */
    unsigned status;
};
struct session_step *session_step_new(struct player *player);
/* The refresh cookie; life 0 takes it away. */
void session_set_cookie(struct player *player, const char *value, int64_t life_s);
struct text session_cookie(const struct player *player); /* TEXT_NONE when there is none */
struct text session_label(const struct player *player);  /* what the browser calls itself */
struct text session_device_cookie(const struct player *player);
