// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/rows.h"

/*
 * catalog/format: a segment's two objects, byte by byte.  All integers are little-endian.
 *
 *   offset size
 *        0    8  "SOSTCATA"
 *        8    2  major: a reader knows its own and the one before; 10: 2 minor: columns were added
 *       12    1  object: 0 core, 1 detail
 *       13    1  library (musicFolder id, 1..32)
 *       14    2  zero
 *       16    8  number of the segment, unique in its library
 *       24    8  size of the object in bytes
 *       32   32  SHA-256 of all bytes of the object but these 32
 *       64   32  detail: that digest of its core; core: zero
 *       96    4  tables T;  100: 4 columns C
 *      104    4T rows of each table, in order of table number
 *             24C column directory: u16 number, u16 bytes per value, u32 zero, u64 offset, u64 size
 * in bytes …   columns, each at a multiple of 64, zero bytes between
 *
 * Tables and columns are listed in catalog/columns.def.  A reader ignores columns that it does not
 * know. Rows are numbered from 0 in each table.  Strings are UTF-8.
 */
enum {
    FORMAT_MAJOR = 1,
    FORMAT_MINOR = 0,
    FORMAT_HEADER_SIZE = 104,
    FORMAT_DIRECTORY_ENTRY = 24,
    FORMAT_ALIGN = 64,
    FORMAT_DIGEST_AT = 32,
    FORMAT_PARTNER_AT = 64,
    FORMAT_DIGEST_SIZE = 32,
    FORMAT_MAX_COLUMNS = 256,
    FORMAT_MAX_TABLES = 64,
    POSTING_PLACE_BITS = 2, /* below the row: enum word_place of catalog/fold.h */
    FORMAT_MAX_ROWS =
        1
        << 24, /* of tracks, albums, artists, folders: a row and a segment's number share 32 bits */
};
#define FORMAT_MAGIC "SOSTCATA"

enum segment_object { SEGMENT_CORE, SEGMENT_DETAIL, SEGMENT_OBJECTS };

enum segment_table {
#define TABLE(number, name) TABLE_##name = (number),
#include "catalog/columns.def"
    TABLE_COUNT,
    TABLE_NONE = 255,
};

enum column_kind {
    KIND_U8,
    KIND_U16,
    KIND_U32,
    KIND_U64,
    KIND_ID,
    KIND_TEXT,
    KIND_NOTE,
    KIND_REF,
    KIND_OPTION,
    KIND_START,
    KIND_POSTING
};

/* Columns in memory are numbered without holes; column_specs[] holds their number in the file. */
enum segment_column {
#define COLUMN(number, name, object, table, kind, target) COLUMN_##name,
#include "catalog/columns.def"
    COLUMN_COUNT,
};

struct column_spec {
    uint16_t number;
    uint8_t object, table, kind, target, width;
};
extern const struct column_spec column_specs[COLUMN_COUNT];

/* Kinds of rows in TRACK_NOTES and ALBUM_NOTES, ascending within one row's run. */
enum track_note {
    TRACK_NOTE_MOOD,
    TRACK_NOTE_ISRC,
    TRACK_NOTE_WORK,
    TRACK_NOTE_MOVEMENT,
    TRACK_NOTES
};
enum album_note { ALBUM_NOTE_MOOD, ALBUM_NOTE_RELEASE_TYPE, ALBUM_NOTE_LABEL, ALBUM_NOTES };
