// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * service_upgrade: one server follows another on the same state folder, sockets and connections.
 *
 *   old server                          supervisor            new server
 *   ◀─ "upgrade" on the control socket
 *   ── "UPGRADE=1" ─────────────────▶   starts it ──────────▶ settings, sockets
 *                                       ◀───────────────────── "PREPARED=1", waits
 *   ◀─ "GIVE_WAY=1" + channel ───────
 *   accepts no more; handlers finish
 *   closes control, library, state, lock
 *   ── "free", connections ───────────── io/handover.h ──────▶ opens them, serves
 *   sends running answers to the end     ◀──────────────────── "READY=1"
 *   exits
 *
 * What a running answer needs stays open in the old process: files, pipes of sostenuto-media, and
 * everything it holds in memory; what two processes cannot share does not.
 */
struct service;
struct control_request;
struct buffer;

/* --- in the server that runs --- */
/* Takes the request when it is for an upgrade, and answers it later. */
bool service_upgrade_asked(struct service *service, struct control_request *request,
                           struct text line) MUST_USE;
/* What the supervisor says; `fd` is taken over. */
void service_upgrade_told(struct service *service, const char *state, int fd);
/* After loop_run() came back: true when that was to give way, and the loop is to run on. */
bool service_upgrade_let_go(struct service *service) MUST_USE;

/* --- in the one that follows --- */
/* Before the state folder is opened: until the predecessor is out of it. */
bool service_upgrade_await(struct service *service, struct buffer *why) MUST_USE;
/* After server_listen(). */
bool service_upgrade_adopt(struct service *service, struct buffer *why) MUST_USE;
