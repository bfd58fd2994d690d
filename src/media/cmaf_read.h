// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/cmaf.h"

/*
 * cmaf_read: the boxes of docs/formats/manifest.md, read back: what another node sent, or a disk.
 *
 * Believes nothing: every size is checked against what holds it, boxes nest at most as deep as the
 * format says, and boxes that are not known are stepped over.  Results borrow from the bytes.
 */
struct cmaf_init {
    enum cmaf_codec codec;
    uint32_t rate, channels, packet, priming;
    struct text config; /* AudioSpecificConfig; the body of dOps; STREAMINFO */
};
/* False, with what is wrong, for anything that is not an init segment of one such track. */
bool cmaf_read_init(struct text bytes, struct cmaf_init *ret, const char **ret_why) MUST_USE;

struct cmaf_fragment {
    uint32_t sequence;
    uint64_t at, samples; /* samples: of all packets */
    uint32_t count;       /* packets; 1 to CMAF_MAX_PACKETS */
    struct text data;     /* of all packets, in order */
    /* for cmaf_next_packet() */
    struct text rows;
    bool has_durations;
    uint32_t packet;
    uint32_t next;
    size_t data_at;
};
/* `packet` is the duration of a packet where the fragment does not say (cmaf_init's).  All of mdat
 * must be named by the packets, and the packets must lie in it. */
bool cmaf_read_fragment(struct text bytes, uint32_t packet, struct cmaf_fragment *ret,
                        const char **ret_why) MUST_USE;
/* In order; false behind the last. */
bool cmaf_next_packet(struct cmaf_fragment *fragment, struct text *ret_data, uint32_t *ret_samples);
