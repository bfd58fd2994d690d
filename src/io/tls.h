// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "io/ticket.h" /* TICKET_SECRET_BYTES */
#include <stdbool.h>
#include <stddef.h>

/*
 * tls: the certificates of a listening address, and their reload (OpenSSL 3).
 *
 * TLS 1.3 only unless `allows_tls12`: every browser and every maintained app speaks 1.3, and what
 * is not offered cannot be attacked; the switch exists for old players in a house.  ALPN offers
 * http/1.1.
 *
 * Returning clients resume by ticket (io/ticket.h): across reloads always, across restarts and
 * upgrades when the processes are given the same `ticket_secret`.  Sessions may begin on any thread
 * while one reloads.
 */
struct server_tls;

struct server_tls_config {
    const char *certificate_file; /* PEM, the leaf first, then its chain */
    const char *key_file;         /* PEM, without a passphrase */
    bool allows_tls12;
    /* TICKET_SECRET_BYTES that outlive this process, copied; NULL: this process draws its own. */
    const unsigned char *ticket_secret;
};

/* On failure NULL, and `why` (at least 256 bytes) says what was wrong with which file. */
struct server_tls *server_tls_new(const struct server_tls_config *config, char *why,
                                  size_t why_size) MUST_USE;
void server_tls_free(struct server_tls **tls); /* after the servers that listen with it */

/* Of the listening address that nodes come to (io/node_tls.h, borrowed): TLS alone, and who shows
 * no certificate reaches only the routes that greet strangers.  Never reloaded: node_tls_take(). */
struct node_tls;
struct server_tls *server_tls_between_nodes(struct node_tls *nodes) MUST_USE;

/*
 * Reads the same files again.  Open connections go on with the old certificate, new ones get the
 * new.  On failure false, `why` says why, and the old certificate stays in use.
 */
bool server_tls_reload(struct server_tls *tls, char *why, size_t why_size) MUST_USE;
