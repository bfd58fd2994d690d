// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/hot.h"

/*
 * hots: one struct hot for each loop of the server, and the messages that keep them true.  All is
 * called on the home loop; api->hots[i] is read on loop i.
 */
struct api;
struct server;

/* Before the server listens. */
void hots_start(struct api *api, struct server *server);
void hots_let_go(struct api *api); /* of the library; again is fine */
void hots_learn(struct api *api, size_t index, const struct hot_proof *proof);
void hots_forget(struct api *api); /* every proof, on every loop: a key was revoked */
