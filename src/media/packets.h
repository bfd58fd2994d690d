// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/cmaf.h"
#include "media/gating.h"

/*
 * packets: what a packaging worker writes into its pipe: the codec's configuration, every encoded
 * packet, and what was found out at the end.
 *
 *     record   u8 kind ('H', 'P', 'E')  u32 size  then `size` bytes; integers are little-endian
 *     H        u8 codec  u32 rate  u8 channels  u8 depth  u32 packet  u32 priming
 *              u32 source rate  u8 source channels  u8 source depth  then the configuration
 *     P        u32 samples  then the packet
 *     E        u64 source samples  u64 samples after the trims  i32 loudness in thousandths of LUFS
 *              (INT32_MIN: none)  u32 peak in millionths of full scale  then how loud its blocks
 *              are (media/gating.h; may be empty)
 *
 * The boxes are made in the server, not in the worker: so a file that took over its worker can
 * spoil the sound of its own track and nothing else, digests are of what will be served, and the
 * worker needs no right to write files.  The reader trusts nothing it gets.
 */
enum { PACKETS_HEADER_BYTES = 5, PACKETS_MAX_RECORD = CMAF_MAX_PACKET_BYTES + 4 };
enum { PACKETS_NO_LOUDNESS = INT32_MIN };

struct packets_head {
    struct cmaf_track track; /* config borrows */
    uint32_t source_rate, source_channels, source_depth;
};
struct packets_end {
    uint64_t source_samples, samples;
    int32_t loudness_mlufs;
    uint32_t peak_ppm;
    struct text blocks; /* well-formed; borrows */
};

void packets_write_head(const struct packets_head *head, struct buffer *out);
void packets_write_packet(uint32_t samples, struct text data, struct buffer *out);
void packets_write_end(const struct packets_end *end, struct buffer *out);

enum packets_kind { PACKETS_HEAD = 'H', PACKETS_PACKET = 'P', PACKETS_END = 'E' };
struct packets_record {
    enum packets_kind kind;
    struct packets_head head;
    struct packets_end end;
    uint32_t samples; /* of the packet */
    struct text data;
};
/* Takes one record off the front of *bytes: 1 and *ret, 0 when more bytes are needed, -1 when it is
 * none.  *ret borrows from the bytes. */
int packets_read(struct text *bytes, struct packets_record *ret) MUST_USE;
