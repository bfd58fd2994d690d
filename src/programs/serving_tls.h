// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/loop.h"
#include "programs/inherited.h"
#include "programs/settings.h"

/*
 * serving_tls: which certificate a running server, origin or edge, presents to listeners, and
 * keeping it fresh.
 *
 * `tls_certificate` when set, else keys/server.pem of `tls init` when it is there, else none: plain
 * HTTP.  Once a day a certificate of our own authority is renewed when it is due, and the files are
 * read again (certbot renews its own).
 */
struct server_tls;

struct serving_tls_config { /* all borrowed */
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop;
    struct inherited *inherited; /* the secret of tickets is claimed */
};

struct serving_tls {
    struct serving_tls_config config;
    struct server_tls *server; /* what server_listen() takes; NULL: plain HTTP */
    struct loop_timer daily;
};

bool serving_tls_wanted(const struct settings *settings); /* there is, or will be, a certificate */
/* True without a certificate too. */
bool serving_tls_open(struct serving_tls *tls, const struct serving_tls_config *config,
                      struct buffer *why) MUST_USE;
bool serving_tls_reload(struct serving_tls *tls, struct buffer *why) MUST_USE;
void serving_tls_stop(struct serving_tls *tls);  /* it is not renewed any more */
void serving_tls_close(struct serving_tls *tls); /* after the server; what is all zero has none */
