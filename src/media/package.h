// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/segmenter.h"

/*
 * package: one rendition of one track: its objects in one file, and the index that finds them.
 *
 *     file     init  segment 0  lead 1  segment 1  lead 2  segment 2 …  index  footer
 *     index    u8 codec  u32 rate  u8 channels  u32 packet  u32 priming  u64 length  u64 trim end
 *              u32 source rate  u8 source channels  u8 source depth  u64 source samples
 *              i32 loudness  u32 peak  object (of init)  u32 count
 *              then for each segment: u64 at  u32 samples  object  object (of its lead; zeros:
 * none) object   u64 offset  u32 bytes  32 bytes SHA-256 footer   u32 bytes of the index  u32
 * CRC-32C of the index  "SOSTPKG1"
 *
 * Integers are little-endian.  A file is written beside its name ("….part") and gets the name when
 * all of it is on the disk: what has the name is whole.  The index of a package that is being
 * encoded is the same struct, growing.
 */
enum { PACKAGE_SHA256_BYTES = 32 };

struct package_object {
    uint64_t offset;
    uint32_t bytes; /* 0: there is none */
    uint8_t sha256[PACKAGE_SHA256_BYTES];
};
struct package_segment {
    uint64_t at;
    uint32_t samples;
    struct package_object segment, lead;
};
struct package_index {
    enum cmaf_codec codec;
    uint32_t rate, channels, packet, priming;
    uint64_t length, trim_end; /* samples; length 0 until the last segment is listed */
    uint32_t source_rate, source_channels, source_depth;
    uint64_t source_samples;
    int32_t loudness_mlufs; /* PACKETS_NO_LOUDNESS */
    uint32_t peak_ppm;
    struct package_object init;
    uint32_t count, capacity;
    struct package_segment *segments; /* owned */
};
void package_index_release(struct package_index *index); /* accepts a zeroed one; leaves it so */
void package_index_copy(const struct package_index *from, struct package_index *ret);
void package_index_add(struct package_index *index, const struct package_segment *segment);
/* NULL when there is no such object (yet). */
const struct package_object *package_index_find(const struct package_index *index,
                                                enum segmenter_kind kind, uint32_t number);

/* Index and footer. */
void package_index_write(const struct package_index *index, struct buffer *out);
/* Reads them off the end of an open file.  0, or -errno; -EBADMSG: not a whole package. */
int package_index_read(int fd, struct package_index *ret) MUST_USE;

/* --- names --- */
enum { PACKAGE_NAME_BYTES = 80 };
struct package_name {
    uint8_t track[16];
    enum rendition rendition;
    uint64_t generation;
};
void package_file_name(const struct package_name *name, char ret_file[PACKAGE_NAME_BYTES]);
bool package_name_of_file(struct text file, struct package_name *ret) MUST_USE;
