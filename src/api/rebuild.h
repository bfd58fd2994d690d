// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * rebuild: at an origin that took a lost one's place (sostenuto promote; or sostenuto restore, of a
 * backup that knows edges), what other edges hold and this one lacks (state/offer.h,
 * docs/decisions/045-rebuild.md).
 *
 *     GET  /nodes/rebuild             200: this edge is to be heard {"epoch", "until"}; else 404
 *     POST /nodes/rebuild/{account}   an offer; 204 when it is merged and durable
 *     POST /nodes/rebuild             that was all: it is heard, and not asked again
 *
 * By mutual TLS at the address for nodes, from the edges that the lost origin had: those of the
 * book that joined before the promotion.  Each is heard once; STATE/rebuilt says which were.  An
 * edge may offer its own listeners, those of whom it was ever home or backup (api/speaks.h).
 *
 * On the home loop.
 */
/* Titles of the problems by which an edge knows this origin's final word. */
#define REBUILD_TOLD "Nothing to rebuild"   /* 404 */
#define REBUILD_NOT_AN_OFFER "Not an offer" /* 400 */
#define REBUILD_NOT_YOURS "Not yours"       /* 403 */

struct api;
struct rebuild;
struct server;

struct rebuild *rebuild_new(struct api *api) MUST_USE; /* NULL: it never took another's place */
/* Reads the journal, while offers are still to come.  BLOCKS. */
void rebuild_begin(struct api *api);
void rebuild_look(struct api *api); /* an edge may have been revoked: then it is not waited for */
void rebuild_free(struct rebuild **rebuild); /* offers under way are answered when state ends */
void rebuild_routes(struct api *api, struct server *server);
