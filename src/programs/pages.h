// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server.h"
#include "programs/settings.h"

/*
 * pages: what needs no sign-in and is nobody's data: the player, ACME answers, the local
 * authority's certificate.
 *
 *   /                              the player; every path that is nobody else's is its page (it has
 * routes of its own)
 *   /.well-known/acme-challenge/   files of `acme_webroot` (RFC 8555 8.3), when that is set
 *   /ca.crt                        STATE/keys/ca.crt, to private addresses
 */
/* `settings` outlives the server. */
void pages_routes(const struct settings *settings, struct server *server);
