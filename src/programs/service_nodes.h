// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/service.h"

/*
 * service_nodes: an origin's door for its edges: a listening address of its own, mutual TLS, and
 * the two requests by which nodes join and renew (docs/formats/joining.md).
 *
 *   closed ── settings name an address, or somebody was invited before: at the start ──▶ open
 *      └───── the first invitation ─────────────────────────────────────────────────────▶ open
 *
 * A door that cannot be opened at the start is an error in the log, not a server that does not
 * start, and is tried again each second: its port may be some connection's for a while.  The
 * origin's own certificate is made when the door opens and again each day that it is due; its key
 * lives in this process only.
 */

/* Takes the socket that a predecessor held; before other sockets are looked for. */
void service_nodes_claim(struct service *service);
/* Before the api: what the door needs, when it shall be open. */
void service_nodes_open(struct service *service);
/* By what nodes reach the door: "HOST:PORT", commas between; nothing while there is none. */
void service_nodes_doors(void *context, struct buffer *out);
void service_nodes_routes(struct service *service); /* before the server listens */
void service_nodes_listen(struct service *service); /* when it does */
void service_nodes_close(struct service *service);  /* after the server */

/* For edges_desk. */
bool service_nodes_open_door(void *service, struct buffer *why) MUST_USE;
