// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "catalog/format.h"

/*
 * catalog/list: one version of one library's catalogue: which segments it is made of, oldest first.
 *
 *   offset size
 *        0    8  "SOSTLIST"
 *        8    2  major;  10: 2 minor
 *       12    1  library (musicFolder id, 1..32);  13: 3 zero
 *       16    8  epoch: raised by a restore
 *       24    8  number: grows by one with every version of an epoch
 *       32    4  segments n;  36: 4 zero
 *       40  96n  each: u64 number, u64 size of core, u64 size of detail, u32 tracks, u32 removals,
 *                32 SHA-256 of all bytes of core, 32 of detail
 *    40+96n   32  SHA-256 of all before
 *
 * In major 1, which is read still, the digests are those in the objects' own headers.
 */
enum { LIST_MAX_SEGMENTS = 8, LIST_MAJOR = 2, LIST_HEADER_SIZE = 40, LIST_ENTRY_SIZE = 96 };
#define LIST_MAGIC "SOSTLIST"

struct list_entry {
    uint64_t number, size_bytes[SEGMENT_OBJECTS];
    uint32_t tracks, removals;
    uint8_t digest[SEGMENT_OBJECTS][FORMAT_DIGEST_SIZE];
};

struct list {
    uint16_t major; /* as it was read; written is always LIST_MAJOR */
    uint8_t library;
    uint64_t epoch, number;
    int64_t published_s; /* not among the bytes: when its file was written */
    uint32_t count;
    struct list_entry entries[LIST_MAX_SEGMENTS];
};

void list_write(const struct list *list, struct buffer *out);
/* Digest and bounds; false leaves *ret untouched. */
bool list_read(struct text bytes, struct list *ret) MUST_USE;
