// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server.h"

/*
 * handover: a server gives way to its successor, another process, without dropping a request.
 *
 *   old                                              new
 *   server_hand_over(): accepts no more;             has the same listening sockets, and waits
 *   handlers finish what they have
 *   on_quiet(): no handler has or gets a request;
 *   the owner closes what both cannot have open;
 *   server_handed_over()
 *   ── "free", on the channel ─────────────────────▶ handover_await_free(): opens it, accepts
 *   ── each plain HTTP/1 connection that is idle, ─▶ server_adopt(): goes on with it as if it had
 *      or becomes idle after its answer              accepted it itself
 *   running answers are sent to their end
 *   on_done(): no connection is left
 *
 * A server that gives way while its own predecessor still hands over passes that channel on:
 * whoever serves takes the connections of all that came before, and nobody lingers as a relay.
 *
 * What cannot move: connections under TLS, whose keys live in OpenSSL.  They are closed politely:
 * idle ones at once, others with "Connection: close" after their answer; their clients resume by
 * ticket.  Event streams are ended; browsers come back by themselves.
 *
 * The channel is a pair of SOCK_SEQPACKET sockets; a message is a struct handover_message, the
 * bytes that were read and not used, and the socket (SCM_RIGHTS).  Both ends are of one user, but
 * may be of two versions: a message of another major version is refused and its connection closed.
 * At most 16 channels are listened to; who is older hands nothing over any more.
 */
struct server_handover {
    int channel;       /* taken over; -1: nobody takes connections, all are closed politely */
    uint64_t quiet_us; /* what keeps a handler busy for longer is aborted */
    uint64_t grace_us; /* running answers end within this time, or are cut */
    void (*on_quiet)(void *context);
    void (*on_done)(void *context); /* may free the server */
    void *context;
};

/* Once; instead of server_drain(), which may follow to shorten the grace. */
void server_hand_over(struct server *server, const struct server_handover *handover);

/* After on_quiet(): what both cannot have open is closed.  Called once, by the owner, not from
 * inside on_quiet() when closing blocks or runs the loop. */
void server_handed_over(struct server *server);

/* Takes what comes on `channel` (taken over) until its other end is closed.  After server_listen(),
 * whose socket on the same port lends each connection its certificates.  0 or -errno. */
int server_adopt(struct server *server, int channel) MUST_USE;

/* Blocks until the predecessor is out of the way, for good or by its death.  False after
 * `patience_ms`. */
bool handover_await_free(int channel, int patience_ms) MUST_USE;
