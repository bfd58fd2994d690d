// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/manifest.h"

/*
 * playlist: the same renditions for players of HTTP Live Streaming (RFC 8216): a list of variants,
 * and one rendition's list of segments.
 *
 * What is not encoded yet is listed as the source's length foretells, and waits when it is asked
 * for.  A URI says "renew", since nobody reads this list again when a generation is lost, and
 * carries the grant; the caller says what stands before "{rendition}".
 */
struct playlist_uris {
    struct text before; /* "../m/tr-…/": from where the playlist is to the track */
    struct text grant;
    uint32_t start_ms; /* where to play from */
};

/* EXT-X-STREAM-INF of each rendition that `wanted` has. */
void playlist_write_variants(const struct manifest *manifest, const bool wanted[RENDITION_COUNT],
                             const struct playlist_uris *uris, struct buffer *out);
/* VOD, whole from the beginning. */
void playlist_write_segments(const struct manifest *manifest, enum rendition rendition,
                             const struct playlist_uris *uris, struct buffer *out);
