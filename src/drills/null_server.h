// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * null_server: answers every request that a virtual listener makes at once, from memory: answers of
 * the right shape, audio of the right length that is only zeros.  No catalogue, no state, no disk.
 *
 * The control run: listeners who are badly served even here tell that the machine, or the load
 * itself, was the bottleneck, and a drill that ran beside it proves nothing.  It has its own thread
 * and its own few lines of HTTP, so it shares no fault with the server under test.  Loopback only,
 * on a free port.  Its connections count among the open files of this process: beside thousands of
 * listeners start it in a child.
 */
struct null_server;

struct null_server_config {
    uint32_t tracks;     /* of its library */
    uint32_t track_s;    /* length of each */
    uint32_t bits_per_s; /* of the audio */
    uint32_t max_connections;
    uint32_t session_s;      /* life of a session's token */
    uint32_t early_refusals; /* so many requests by a token are refused first: 401 */
    bool has_other_digests;  /* its manifests mean other bytes than it gives */
};
struct null_server_config null_server_config_default(void);

/* NULL with errno set when the kernel gives no socket or thread. */
struct null_server *null_server_start(const struct null_server_config *config) MUST_USE;
uint16_t null_server_port(const struct null_server *server); /* on 127.0.0.1 */
uint64_t null_server_requests(const struct null_server *server);
uint64_t null_server_sessions(const struct null_server *server); /* begun by a password */
uint64_t null_server_writes(const struct null_server *server); /* plays, stars, playlists it took */
void null_server_stop(struct null_server **server);            /* accepts NULL inside */
