// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * service_tls: which certificate a running server presents, and keeping it fresh.
 *
 * `tls_certificate` when set, else keys/server.pem of `tls init` when it is there, else none: plain
 * HTTP.  Once a day a certificate of our own authority is renewed when it is due, and the files are
 * read again (certbot renews its own).
 */
struct service;

bool service_tls_wanted(const struct service *service); /* there is, or will be, a certificate */
bool service_tls_open(struct service *service,
                      struct buffer *why) MUST_USE; /* true without a certificate too */
bool service_tls_reload(struct service *service, struct buffer *why) MUST_USE;
void service_tls_close(struct service *service);
