// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

#include <stddef.h>

/*
 * neighbours: web origins (scheme://host[:port], RFC 6454) of the other nodes of this service,
 * whose pages may ask this one by script (WHATWG Fetch 3.2): a player that was loaded from a node
 * which died goes on with another.
 *
 * Only they are named in Access-Control-Allow-Origin, and never with Allow-Credentials: a browser
 * sends no cookie with such a request, so what it may know it must bring (Bearer, grant, DPoP).
 * What is no plain origin is left out, since the list also stands in the page's
 * Content-Security-Policy.  Set on the home loop, asked on every loop.
 */
struct neighbours;
struct exchange;
struct server;

enum { NEIGHBOURS_MAX = 64, NEIGHBOURS_ORIGIN_MAX_BYTES = 100 };

struct neighbours *neighbours_new(void) MUST_USE;
void neighbours_free(struct neighbours **neighbours);
/* Copies them; the list before is forgotten, and what is over NEIGHBOURS_MAX is left out. */
void neighbours_set(struct neighbours *neighbours, const struct text *origins, size_t count);
bool neighbours_have(struct neighbours *neighbours, struct text origin);

/* The server's own (io/server.h). */
void server_set_neighbours(struct server *server, const struct text *origins, size_t count);
/* The Origin that this request came with, when the list names it; else TEXT_NONE. */
struct text exchange_neighbour(const struct exchange *exchange);
/* "https://a https://b", in the exchange's arena; empty when there are none. */
struct text exchange_neighbours(struct exchange *exchange);

/* --- of dispatch and answer --- */

/* True when this was a neighbour's preflight: it is answered. */
bool neighbours_answer(struct exchange *exchange) MUST_USE;
/* What a neighbour's page needs in order to read the answer, unless everybody's may; and to shared
 * caches, whoever asked, that others are answered otherwise (Fetch 3.2.5). */
void neighbours_allow(struct exchange *exchange);
