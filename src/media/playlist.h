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
 *
 * Other nodes that have the same renditions are told as pathways (Content Steering, rfc8216bis
 * 4.4.6.6 and 7): the list says where this node's variants are, and a steering manifest inside it
 * (a data: URI, so nobody is asked for it) what they are called elsewhere.  Players that do not
 * know the tag see the list as it was without.  Redundant variants (RFC 8216 6.2.4) are not listed:
 * some players open every variant before the first sound, and would wait for a node that hangs.
 */
enum { PLAYLIST_PATHWAYS_MAX = 4 };

struct playlist_pathway {
    struct text id;     /* of the node: letters, digits, "-", "_" */
    struct text before; /* "https://paris.example.org/m/tr-…/"; of the first one unused */
};

struct playlist_uris {
    struct text before; /* "../m/tr-…/": from where the playlist is to the track */
    struct text grant;
    uint32_t start_ms; /* where to play from */
    /* This node, then the others, the first choice first; fewer than two: nothing is told. */
    struct playlist_pathway pathways[PLAYLIST_PATHWAYS_MAX];
    size_t pathway_count;
};

/* EXT-X-STREAM-INF of each rendition that `wanted` has. */
void playlist_write_variants(const struct manifest *manifest, const bool wanted[RENDITION_COUNT],
                             const struct playlist_uris *uris, struct buffer *out);
/* VOD, whole from the beginning. */
void playlist_write_segments(const struct manifest *manifest, enum rendition rendition,
                             const struct playlist_uris *uris, struct buffer *out);
