// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/inside.h"
#include "catalog/catalog.h"
#include "io/exchange.h"

/*
 * kept: an origin that was an edge (sostenuto promote) still has the objects that it held as one.
 * A song whose file is not here plays from them, or from what other edges hold (decision 051):
 *
 *     /m/{track}/…     the file is where the catalogue says ─▶ as at any origin
 *                      else what is kept, else other edges ─▶ else as at any origin
 *     a segment of a generation that is not this node's ─▶ what is kept
 *     /art             a picture that the library has not ─▶ what is kept, else other edges
 *     /rest            stream, download, covers, lyrics, playlists of HLS: api/held.h
 *
 * What came as an edge was proven then (signatures, digests), and blocks are summed on the disk.
 */
static inline bool api_keeps(const struct api *api)
{
    return !api_follows(api) && api->config.elsewhere.fetch != NULL;
}

/* Whether the song's file is not where the catalogue says, and something may be kept of it.  Opens
 * a file; any loop. */
bool kept_is_wanted(const struct api *api, const struct track_row *row);

/* On the connection's loop.  True: it FINISHES; by `ordinary(exchange, api)`, on that loop, when
 * nobody has the object, or it is not for who asks. */
bool kept_media(struct api *api, struct exchange *exchange, exchange_handler *ordinary);
/*
 * On the home loop, of an object that a proof opened and that is not to be had here.  True: it
 * FINISHES; by `otherwise(exchange, api)`, on the connection's loop, when nobody has it.
 */
bool kept_object(struct api *api, struct exchange *exchange, exchange_handler *otherwise);

/* FINISHES: 503, and why. */
void kept_refuse(struct exchange *exchange);
