// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_object.h"

/*
 * cache_volume: the disk tier's files as bytes; pure.  docs/formats/cache.md draws them.
 *
 * A region is a file of records, begun at multiples of CACHE_UNIT.  A record is a head with its own
 * sums, two places for metadata of which the newer good one counts, and the stored bytes, each
 * CACHE_BLOCK of them with a sum in the head.  The fixed part of a head is enough to walk on.
 */
enum {
    CACHE_UNIT = 64,
    CACHE_BLOCK = 64 << 10,
    REGION_HEADER = 64,
    RECORD_FIXED = 128,
    META_HEADER = 32,
    RECORD_UNITS_MAX = (1 << 24) - 1,
    REGION_RULE_UNKNOWN = 255
};

struct region_header {
    uint64_t sequence, first_serial;
    uint32_t slot;
    uint8_t log, rule, asked, size; /* asked, size: of its first object, as logarithms */
    float scale;                    /* the writer's logs, as they were when it was made … */
    uint64_t tick;
    double level;
};
void region_encode(const struct region_header *header, uint8_t ret[REGION_HEADER]);
bool region_decode(struct text bytes, struct region_header *ret) MUST_USE;

struct record {
    uint64_t region, serial; /* sequence of the region; the order of writing */
    struct cache_hash hash;
    uint64_t length, stored;
    uint32_t units, head_bytes, meta_room;
    uint16_t key_bytes;
    uint8_t range_count;
    bool is_pinned;
    uint64_t rest_sum;
    uint8_t sha256[32];
};
enum record_kind { RECORD_BAD, RECORD_LIVE, RECORD_DEAD };

static inline uint64_t record_blocks(const struct record *record)
{
    return (record->stored + CACHE_BLOCK - 1) / CACHE_BLOCK;
}
static inline uint64_t record_body_at(const struct record *record)
{
    return record->head_bytes + 2 * (uint64_t)record->meta_room;
}
static inline uint64_t record_bytes(const struct record *record)
{
    return (uint64_t)record->units * CACHE_UNIT;
}

/* Fills in units, head_bytes and meta_room (for metadata of `meta_bytes`, with room to grow).
 * False: larger than a record may be. */
bool record_lay_out(struct record *record, size_t meta_bytes) MUST_USE;
/* `ret` has head_bytes; sets rest_sum.  `sums`: one a block. */
void record_encode(struct record *record, struct text key, const struct cache_range *ranges,
                   const uint64_t *sums, uint8_t *ret);
/* Of RECORD_FIXED bytes; `region` is the sequence that the file has. */
enum record_kind record_decode(struct text bytes, uint64_t region, struct record *ret) MUST_USE;
/* The rest of a head: `head` has head_bytes.  Borrowed key; copies ranges and sums. */
bool record_decode_rest(const struct record *record, struct text head, struct text *ret_key,
                        struct cache_range *ret_ranges, uint64_t *ret_sums) MUST_USE;
/* Makes a fixed part a dead one, in place. */
void record_kill(uint8_t fixed[8]);
/* The same head for another region. */
void record_move(uint8_t *head, uint64_t region);

size_t meta_bytes(const struct cache_meta *meta);
/* `ret` has META_HEADER + meta_bytes(). */
void meta_encode(const struct cache_meta *meta, uint64_t serial, uint32_t version, uint8_t *ret);
/* Borrows from the place; `ret_marks` has CACHE_MARKS_MAX. */
bool meta_decode(struct text place, uint64_t serial, uint32_t *ret_version, struct cache_meta *ret,
                 uint64_t *ret_marks) MUST_USE;

uint64_t cache_sum(const void *bytes, size_t size);
