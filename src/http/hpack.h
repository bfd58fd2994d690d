// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/hpack_table.h"
#include "http/huffman_memo.h"

/*
 * hpack: header compression for HTTP/2 (RFC 7541), both ways.  Bytes in, bytes out.
 *
 *   block ─ hpack_next() ─▶ fields, one after the other
 *   fields ─ hpack_write() ─▶ block
 *
 * The reader takes a whole header block.  The writer keeps a small table of its own choice: fields
 * that come again in other answers (server, content type, the date of this second) become one byte
 * each; what differs from answer to answer is written out, and nothing is Huffman-coded: for an
 * answer that has a body, time is worth more than these bytes.
 */
struct hpack_field {
    struct text name, value;
    uint8_t static_name; /* index of its name in the static table, the first one; or 0 */
};

/* --- reading --- */
struct hpack_reader {
    struct hpack_table table;
    struct huffman_memo *memo; /* of long values; borrowed, may be NULL */
    uint32_t limit_bytes;      /* of the table: what we have said, and the client has read */
    bool must_shrink;          /* the next block begins with a size that is within it (4.2) */
    bool is_at_start;          /* of a block: only there a size may stand */
};

void hpack_reader_init(struct hpack_reader *reader); /* with the size that HTTP/2 starts with */
void hpack_reader_release(struct hpack_reader *reader);
/* The client has acknowledged another size. */
void hpack_reader_limit(struct hpack_reader *reader, uint32_t limit_bytes);
void hpack_reader_start(struct hpack_reader *reader); /* of a block */
/*
 * Takes one field off *block; 1, 0 at its end, or -1: not HPACK, the connection is lost (4.3).
 * What *ret shows is borrowed until the next call (of any reader with that memo).  `scratch` has
 * room for hpack_scratch_bytes(of the block, of the table).
 */
int hpack_next(struct hpack_reader *reader, struct text *block, char *scratch,
               struct hpack_field *ret) MUST_USE;
static inline size_t hpack_scratch_bytes(size_t block_bytes, size_t table_bytes)
{
    return block_bytes * 8 / 5 +
           (table_bytes < HPACK_TABLE_DEFAULT_BYTES ? HPACK_TABLE_DEFAULT_BYTES : table_bytes);
}

/* --- writing --- */
enum { HPACK_WRITER_BYTES = 1024 }; /* the table's own ceiling */

struct hpack_writer {
    struct hpack_table table;
    uint32_t said_bytes;  /* the size that the client was told of, or began with */
    uint32_t least_bytes; /* that it had since the last block */
    uint32_t next_found;  /* where the next field is looked for first */
};

void hpack_writer_init(struct hpack_writer *writer);
void hpack_writer_release(struct hpack_writer *writer);
void hpack_writer_limit(struct hpack_writer *writer, uint32_t limit_bytes); /* the client's */

/* At the start of each block.  Like all that writes it returns where it stopped; `out` has room. */
char *hpack_write_start(struct hpack_writer *writer, char *out);
enum { HPACK_START_MOST = 12, HPACK_FIELD_MOST = 16 }; /* beside name and value */
char *hpack_write_status(char *out, unsigned status);
/* Takes no place in the table; a secret one not in those of others on the way either (7.1.3). */
char *hpack_write_literal(char *out, struct text name, struct text value, bool is_secret);
/* `name` in any case, and the client gets it in lower. */
char *hpack_write(struct hpack_writer *writer, char *out, struct text name, struct text value);
