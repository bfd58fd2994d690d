// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/body.h"
#include "api/inside.h"
#include "base/json.h"
#include "io/exchange.h"
#include "state/state.h"

/*
 * player: one request of the player's own JSON API, from its guard to its answer.
 *
 * The router (player.c) finds the row of player.def, checks its guard, parses a JSON body, and
 * calls the handler, which finishes the exchange, at once or later on the loop.  A player lives in
 * the exchange's arena; its body is freed when the exchange is answered.
 *
 * Requests that may rely on a cookie must come from our own page (Sec-Fetch-Site, else Origin), or
 * without cookies from a page of another node; every body must be application/json, which no form
 * can send.
 */
struct dpop_proof;
struct node_seat;

enum player_guard {
    PLAYER_OPEN,   /* nobody need be known */
    PLAYER_COOKIE, /* looked at by the handler; must come from our own page */
    PLAYER_BEARER, /* an access token of a living session */
    PLAYER_ADMIN,  /* of an admin's */
    PLAYER_NODE,   /* an edge by its certificate (peers.h): `node`; else as PLAYER_BEARER */
};

struct player {
    struct api *api;
    struct exchange *exchange;
    bool is_alone;  /* an edge, and its origin was asked and does not answer */
    struct text id; /* what follows a path that ends in "/" */
    json_t *body;   /* object; NULL when the request had none */
    struct json json;
    const struct dpop_proof *proof; /* of the browser's key (bound.h); NULL: it came without one */
    struct uid renewed_id;          /* the visitor's session that is renewed by it; else none */

    /* with PLAYER_BEARER and PLAYER_ADMIN; looked up again by player_refresh() after the loop has
     * turned */
    struct uid session_id, account_id;
    const struct account *account;
    const struct node_seat *node; /* with PLAYER_NODE: the edge; then there is no account */

    void *context; /* the handler's own, between its steps */
};
typedef void player_handler(struct player *player);
/* The origin answers; when it does not, this request is handled here once more, alone. */
void player_go_elsewhere(struct player *player);

/* False: the account is gone or disabled, the edge is revoked. */
bool player_refresh(struct player *player) MUST_USE;
int64_t player_now_ms(const struct player *player);

/* --- answers: each FINISHES the exchange and frees the body --- */
void player_drop_body(struct player *player); /* of these alone; others' answers need it */
/* Write into this, then player_send(). */
struct json *player_json(struct player *player);
void player_send(struct player *player, unsigned status);
void player_send_empty(struct player *player, unsigned status);
void player_problem(struct player *player, unsigned status, const char *title, const char *detail);
void player_busy(struct player *player, unsigned retry_after_s, const char *detail);
void player_outcome_problem(struct player *player, const struct batch_result *result);

/* --- reading --- */
/* False after answering 400: the member is not there, or not a text of that size. */
bool player_text(struct player *player, const char *name, size_t min, size_t max,
                 struct text *ret) MUST_USE;
bool player_bool(struct player *player, const char *name, bool otherwise, bool *ret) MUST_USE;
/* The uid in the path; false after answering 404. */
bool player_id(struct player *player, struct uid *ret) MUST_USE;

/* --- writing --- */
struct batch *player_batch(const struct player *player, bool is_operator) MUST_USE;
/* When the batch is durable calls `then`; else answers with the reason. */
void player_submit(struct player *player, struct batch *batch, player_handler *then);

/* --- passwords --- */
/*
 * Judges a new password and hashes it on the "passwords" pool; `then` is called on the loop with
 * the hash. A weak one is answered 422, a full pool 503.
 */
typedef void player_hashed(struct player *player, struct text hash);
void player_hash(struct player *player, struct text name, struct text password,
                 player_hashed *then);

/* A name that an account may have; false after answering 422. */
bool player_name_is_fine(struct player *player, struct text name) MUST_USE;
/* Begins a session for the account and answers with it, as after a sign-in. */
void session_begin(struct player *player, struct uid account, unsigned status);
/* Members id, name and isAdmin. */
void player_write_account(struct json *json, const struct account *account);
/* Member libraries: numbers, or null for all. */
void player_write_libraries(struct json *json, uint64_t libraries);
void player_write_uid(struct json *json, const char *name, struct uid uid);

#define PLAYER(method, path, guard, handler) player_handler player_##handler;
#include "api/player.def"
#undef PLAYER
