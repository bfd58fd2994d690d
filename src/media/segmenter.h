// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/packets.h"

/*
 * segmenter: a worker's stream of packets to the objects of one rendition
 * (docs/formats/manifest.md): init, segments, and the lead before each segment but the first.
 *
 *     nothing ──head──> packets ──segment is full──> packets ──end──> done
 *
 * Bytes in, bytes out; no I/O.  A stream that breaks the rules (a packet before the head, one
 * behind a shorter one, fewer samples than it claims) is bad for good.
 */
enum { SEGMENTER_MAX_SEGMENTS = 32768, SEGMENTER_MAX_LEAD = 4 };

enum segmenter_kind { SEGMENTER_INIT, SEGMENTER_LEAD, SEGMENTER_SEGMENT };
struct segmenter_object {
    enum segmenter_kind kind;
    uint32_t number; /* of the segment, or of that behind the lead */
    uint64_t at;     /* decode time */
    uint64_t samples;
    struct text bytes;
    bool is_last; /* segmenter_end() and segmenter_trim_end() are known */
};
/* In the order in which they are complete; lead before its segment.  A segment comes when a packet
 * of the next one or the end is there, so the last one is known as such.  False stops it all. */
typedef bool segmenter_on_object(void *context, const struct segmenter_object *object);

struct segmenter;
struct segmenter *segmenter_new(segmenter_on_object *on_object, void *context) MUST_USE;
void segmenter_free(struct segmenter **segmenter); /* accepts NULL inside */

enum segmenter_state {
    SEGMENTER_MORE,
    SEGMENTER_DONE,
    SEGMENTER_BAD,    /* nonsense from the worker */
    SEGMENTER_STOPPED /* on_object said no */
};
/* Takes all of `bytes`. */
enum segmenter_state segmenter_put(struct segmenter *segmenter, struct text bytes) MUST_USE;

/* After the first object: what the head said; `config` is the segmenter's. */
const struct packets_head *segmenter_head(const struct segmenter *segmenter);
/* When done, or with the last segment; `blocks` is the segmenter's. */
const struct packets_end *segmenter_end(const struct segmenter *segmenter);
uint64_t segmenter_trim_end(const struct segmenter *segmenter); /* samples */
