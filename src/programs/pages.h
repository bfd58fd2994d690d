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
/* The last two alone; `settings` outlives the server. */
void pages_certificate_routes(const struct settings *settings, struct server *server);

/*
 * Of an edge, whose route "/" is its cache: the player and nothing else, as this build has it. What
 * it does not know, another version's files among it, and what is no page is `otherwise`'s.
 */
void pages_open(struct pages *pages, const struct settings *settings);
void pages_player_or(const struct pages *pages, struct exchange *exchange,
                     exchange_handler *otherwise, void *context); /* FINISHES; on any loop */
