// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/bytes.h"
#include "catalog/format.h"

/*
 * catalog/segment: one segment opened for reading: pointers to its columns, all of them checked.
 *
 * segment_add() refuses an object that is cut, of another format, or whose references, starts or
 * texts would lead outside: after it, every access with a row below `rows` stays inside.  It does
 * not compute the digest (hosted code: catalog/verify.h; a browser has its own).  Without detail,
 * detail's values read as 0 and "". Bytes are borrowed and must be aligned to 8.  Freestanding.
 */
struct segment {
    const uint8_t *columns[COLUMN_COUNT]; /* NULL: not there */
    uint32_t rows[TABLE_COUNT];
    uint64_t number;
    uint8_t library;
    bool has_core, has_detail;
    uint8_t core_digest[FORMAT_DIGEST_SIZE];
    uint64_t size_bytes[SEGMENT_OBJECTS];
};

enum segment_fault {
    SEGMENT_GOOD,
    SEGMENT_CUT,     /* shorter or longer than it says */
    SEGMENT_ALIEN,   /* not ours, another object, or a format we do not read */
    SEGMENT_BROKEN,  /* a directory, reference or start that leads outside */
    SEGMENT_STRANGER /* detail that belongs to another core */
};
struct text segment_fault_text(enum segment_fault fault);

/* Core first, then detail; start with a zeroed struct.  On a fault the segment is unchanged. */
enum segment_fault segment_add(struct segment *segment, enum segment_object object,
                               struct text bytes) MUST_USE;

/* --- access: row must be below the rows of the column's table (for START columns: at most) --- */
static inline uint8_t segment_u8(const struct segment *segment, enum segment_column column,
                                 uint32_t row)
{
    const uint8_t *data = segment->columns[column];
    return data ? data[row] : 0;
}
static inline uint16_t segment_u16(const struct segment *segment, enum segment_column column,
                                   uint32_t row)
{
    const uint16_t *data = (const void *)segment->columns[column];
    return data ? data[row] : 0;
}
static inline uint32_t segment_u32(const struct segment *segment, enum segment_column column,
                                   uint32_t row)
{
    const uint32_t *data = (const void *)segment->columns[column];
    return data ? data[row] : 0;
}
static inline uint64_t segment_u64(const struct segment *segment, enum segment_column column,
                                   uint32_t row)
{
    const uint64_t *data = (const void *)segment->columns[column];
    return data ? data[row] : 0;
}
static inline const struct catalog_id *segment_id(const struct segment *segment,
                                                  enum segment_column column, uint32_t row)
{
    const struct catalog_id *data = (const void *)segment->columns[column];
    return &data[row];
}
static inline const uint32_t *segment_u32s(const struct segment *segment,
                                           enum segment_column column)
{
    return (const void *)segment->columns[column];
}

/* Text of a TEXT or NOTE column. */
struct text segment_text(const struct segment *segment, enum segment_column column, uint32_t row);
struct text segment_string(const struct segment *segment, uint32_t string);
struct text segment_word(const struct segment *segment, uint32_t word);
/* Picture of an OPTION column into ARTWORKS. */
struct catalog_id segment_artwork(const struct segment *segment, enum segment_column column,
                                  uint32_t row);
