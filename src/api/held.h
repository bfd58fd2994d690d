// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/art.h"
#include "api/call.h"

/*
 * held: what an id under /rest stands for in bytes, at a node that follows (api_elsewhere in
 * api.h): the object's name is worked out from the catalogue here, its bytes come from what is
 * kept, from the origin, or from another node.
 *
 *     stream, download    /m/{track}/original.{version}.{ext}
 *     … not to be had     the segments of a rendition in a row: MP4 in fragments, which plays
 *     … converted         the origin converts; without it the original, which is better than none
 *     getCoverArt         /art/{picture}/{size}.{webp|jpg}; without the origin any size that is
 * kept lyrics, playlists   the signed objects /m/{track}/lyrics, /m/{track}/manifest, read here
 *
 * On the home loop, but where said.
 */

/* CALL_LATER, and the call is over: what follows finishes its exchange. */
enum call_end held_original(struct call *call, const struct track_row *row, bool is_download);
enum call_end held_converted(struct call *call, const struct track_row *row);
/* In any size: without asking anybody. */
bool held_has_picture(struct call *call, const struct art_request *request);
enum call_end held_picture(struct call *call, const struct art_request *request);

/* "/m/{track}/original.{version}.{ext}", the arena's; data NULL past its ceiling.  Any loop. */
struct text held_original_name(struct arena *arena, const struct track_row *row);

/*
 * A signed object of a track, verified: "manifest" or "lyrics".  `told` is called later, once, with
 * its body, or data NULL: nobody has it, or it does not verify.
 */
typedef void held_told(void *context, struct text body);
void held_read(struct api *api, const struct catalog_id *track, const char *what, held_told *told,
               void *context);
