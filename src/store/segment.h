// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/uid.h"

/*
 * segment: one file of the journal, as bytes.  Pure: writing is onto a buffer, reading from a
 * borrowed run. Integers are little-endian.  Major 1, minor 0.
 *
 *   header, 64 bytes                                 record, 16 + n bytes
 *    0   8  "sostjrnl"                                0   4  n, 1 to SEGMENT_MAX_RECORD
 *    8   2  major                                     4   4  CRC-32C of bytes 0-3, then 8 to 15+n
 *   10   2  minor                                     8   8  LSN, one more than the record before
 *   12   4  CRC-32C of bytes 0-11, then 16-63        16   n  payload
 *   16  16  journal id
 *   32  16  device id of the writer
 *   48   8  LSN of the first record
 *   56   8  LSN of the last durable record when this segment was begun
 *
 * Records follow each other without padding.  An LSN between the last durable one and a segment's
 * first belongs to a record that was refused and never acknowledged.
 */
enum { SEGMENT_HEADER_BYTES = 64, SEGMENT_RECORD_BYTES = 16, SEGMENT_MAX_RECORD = 1024 * 1024 };

struct segment_header {
    struct uid journal, device;
    uint64_t first_lsn, follows_lsn;
};

void segment_encode_header(const struct segment_header *header, struct buffer *out);
void segment_encode_record(uint64_t lsn, struct text payload, struct buffer *out);

/* 1, or -1 with a reason: too short, not ours, another major version, damaged. */
int segment_decode_header(struct text bytes, struct segment_header *ret,
                          const char **ret_why) MUST_USE;

/*
 * Reads records in order.  At a place where none is valid it searches on for the next valid one
 * with a later LSN: what lies between is damage.  When there is none, the rest is the tail: torn,
 * or never written.
 */
struct segment_reader {
    struct text bytes; /* the whole segment */
    size_t at;         /* next byte */
    uint64_t last_lsn; /* of the record before */
};
enum segment_step {
    SEGMENT_RECORD,  /* *ret is a record */
    SEGMENT_DAMAGED, /* *ret describes what cannot be read; more follows */
    SEGMENT_TAIL,    /* *ret describes the rest, which is no record; nothing follows */
    SEGMENT_END,     /* the bytes end with a record */
};
struct segment_item {
    uint64_t lsn;      /* of the record; of the next readable one for damage */
    size_t offset;     /* in the segment, of the whole item */
    struct text bytes; /* payload, or the damaged bytes or tail */
};
/* `last_lsn` is one less than the header's first_lsn. */
struct segment_reader segment_reader_of(struct text bytes, uint64_t last_lsn);
enum segment_step segment_next(struct segment_reader *reader, struct segment_item *ret);
