// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server.h"
#include "programs/page_hints.h"
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
struct pages {
    const struct settings *settings;
    struct page_hints hints;
};

/* `pages` and `settings` outlive the server. */
void pages_routes(struct pages *pages, const struct settings *settings, struct server *server);
