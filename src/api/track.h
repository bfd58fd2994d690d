// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/id.h"
#include "io/exchange.h"

/*
 * track: a song's own bytes on an exchange, for /rest/stream, /rest/download and /m.
 *
 * Their digest is told when it is known (library_digest()); who gets them whole without it makes it
 * wanted.
 */
struct api;
struct library_file;
struct track_row;

/* Where the catalogue's row says, or else where it is now; the type's name is the exchange's.
 * False when it is gone. */
bool track_open_original(struct api *api, struct exchange *exchange, const struct track_row *row,
                         struct library_file *ret) MUST_USE;
/* With validators and ranges; takes its descriptor over: FINISHES. */
void track_send_file(struct api *api, struct exchange *exchange, const struct catalog_id *id,
                     const struct library_file *file);
/* One of this loop's open files, which comes back by itself: FINISHES. */
struct open_file;
void track_send_lent(struct api *api, struct exchange *exchange, struct open_file *lent);
/* Of Content-Disposition: attachment, with the last part of `path` as the name (RFC 6266, RFC
 * 8187); the arena's. */
struct text track_attachment(struct arena *arena, struct text path);
