// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"
#include "media/rendition.h"
#include "trust/uid.h"

/*
 * peers: the other edges of this service, from which an object may be had when no origin gives it
 * (docs/decisions/035-delivery.md).
 *
 * Asked where listeners reach them, one after another, with only-if-cached, so that nobody
 * cascades, and with a grant that this edge signs for itself.  What they give is believed only when
 * it proves itself: a segment by its SHA-256 in the track's signed manifest; an original or a
 * picture piece by piece, by a signed object that its edge fetched with it (media/pieces.h); that,
 * a manifest and lyrics by their signature.  Not a byte is told to anybody before.  Nothing else is
 * asked of them.  Who gave something else is put aside for a while.
 *
 * One list for all loops; immutable and counted but for who is aside.  A lead (lead_peers.c) takes
 * it when it begins and keeps it to its end.
 */
struct peers;
struct keyring;
struct peer_line; /* connections of one loop */

enum { PEERS_MAX = 8 };

/* --- what an object is, by its name; pure --- */
enum peer_object {
    PEER_OBJECT_OTHER,  /* nothing that proves itself */
    PEER_OBJECT_SIGNED, /* a manifest, lyrics, pieces */
    PEER_OBJECT_DIGEST, /* of a rendition: its digest stands in the manifest */
    PEER_OBJECT_PIECES, /* an original of one version, a picture */
};
/* *ret_proof: what the last two are judged by: the name of the manifest, or of the pieces. */
enum peer_object peer_object_of(struct text target, struct buffer *ret_proof);
/* Of what rendition an object is. */
bool peer_rendition_of(struct text target, enum rendition *ret) MUST_USE;
/* The SHA-256 of `target` as a verified manifest has it. */
bool peer_digest_of(struct text manifest_body, struct text target, uint8_t ret_sha256[32]) MUST_USE;

/* --- the list --- */
struct peers *peers_ref(struct peers *peers);
void peers_unref(struct peers **peers); /* accepts NULL inside */
size_t peers_count(const struct peers *peers);
bool peers_may_ask(struct peers *peers, size_t i, int64_t now_ms);
/* It gave what it should not have: counted, and not asked for `for_ms`. */
void peers_put_aside(struct peers *peers, size_t i, int64_t now_ms, int64_t for_ms);

/* --- of one loop --- */
/* The fetcher to the peer; NULL when it cannot be made. */
struct fetcher *peer_line_fetcher(struct peer_line **line, struct peers *peers, size_t i,
                                  struct loop *loop, struct workers *resolvers);
void peer_line_free(struct peer_line **line);
