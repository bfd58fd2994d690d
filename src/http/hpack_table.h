// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * hpack_table: the dynamic table of one direction of an HTTP/2 connection (RFC 7541 2.3.2, 4).
 *
 * Entries come at the front and go at the back when the sum of their sizes (name, value and 32
 * each, 4.1) passes `max_bytes`.  All are in two blocks of memory that grow as they must and never
 * beyond what `max_bytes` needs: an idle connection holds what its client has said and no more.
 *
 *   bytes    [ gone | name value | name value | ...  | free ]
 *   entries  a ring, oldest first: where each begins, its sizes, a hash for who writes
 */
enum { HPACK_ENTRY_BYTES = 32, HPACK_TABLE_DEFAULT_BYTES = 4096 };

struct hpack_entry {
    uint32_t at, name_size, value_size;
    uint32_t hash; /* of the writer's choice; looked for by hpack_table_find() */
};

struct hpack_table {
    char *bytes;
    struct hpack_entry *entries;
    uint32_t capacity, end;        /* of bytes */
    uint32_t slots, oldest, count; /* of entries; slots is a power of two */
    uint32_t size_bytes, max_bytes;
};

void hpack_table_init(struct hpack_table *table, uint32_t max_bytes);
void hpack_table_release(struct hpack_table *table);
void hpack_table_limit(struct hpack_table *table, uint32_t max_bytes); /* drops what is too much */
/* Copies both, which are not in the table.  Too large an entry empties it and is none (4.4). */
void hpack_table_add(struct hpack_table *table, struct text name, struct text value, uint32_t hash);
/* The newest is 0, and there must be one. */
static inline struct hpack_entry *hpack_table_entry(const struct hpack_table *table, uint32_t index)
{
    return &table->entries[(table->oldest + table->count - 1 - index) & (table->slots - 1)];
}
/* Borrowed until the next add; false: there is none. */
static inline bool MUST_USE hpack_table_get(const struct hpack_table *table, uint32_t index,
                                            struct text *ret_name, struct text *ret_value)
{
    if (index >= table->count)
        return false;
    const struct hpack_entry *entry = hpack_table_entry(table, index);
    const char *at = table->bytes + entry->at;
    *ret_name = text_make(at, entry->name_size);
    *ret_value = text_make(at + entry->name_size, entry->value_size);
    return true;
}
/* The newest of that hash from `index` on; UINT32_MAX: none. */
uint32_t hpack_table_find(const struct hpack_table *table, uint32_t hash, uint32_t index);
