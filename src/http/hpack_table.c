// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/hpack_table.h"

#include "base/mem.h"

#include <string.h>

enum { FIRST_CAPACITY = 256, FIRST_SLOTS = 8 };

void hpack_table_init(struct hpack_table *table, uint32_t max_bytes)
{
    *table = (struct hpack_table){.max_bytes = max_bytes};
}

void hpack_table_release(struct hpack_table *table)
{
    mem_free_p(&table->bytes);
    mem_free_p(&table->entries);
    hpack_table_init(table, table->max_bytes);
}

static void drop_oldest(struct hpack_table *table)
{
    const struct hpack_entry *entry = &table->entries[table->oldest];
    table->size_bytes -= entry->name_size + entry->value_size + HPACK_ENTRY_BYTES;
    table->oldest = (table->oldest + 1) & (table->slots - 1);
    if (--table->count == 0)
        table->end = 0;
}

/* Drops the oldest until `size` more bytes are allowed, or none is left. */
static void make_room(struct hpack_table *table, uint32_t size)
{
    while (table->count > 0 &&
           (size > table->max_bytes || table->size_bytes > table->max_bytes - size))
        drop_oldest(table);
}

void hpack_table_limit(struct hpack_table *table, uint32_t max_bytes)
{
    table->max_bytes = max_bytes;
    make_room(table, 0);
}

static void grow_slots(struct hpack_table *table)
{
    uint32_t slots = table->slots ? 2 * table->slots : FIRST_SLOTS;
    struct hpack_entry *entries = mem_alloc(slots * sizeof *entries);
    for (uint32_t i = 0; i < table->count; i++)
        entries[i] = *hpack_table_entry(table, table->count - 1 - i);
    mem_free(table->entries);
    table->entries = entries;
    table->slots = slots;
    table->oldest = 0;
}

/* What is there moves to the front. */
static void compact(struct hpack_table *table)
{
    uint32_t from = table->count > 0 ? table->entries[table->oldest].at : table->end;
    if (from == 0)
        return;
    memmove(table->bytes, table->bytes + from, table->end - from);
    for (uint32_t i = 0; i < table->count; i++)
        hpack_table_entry(table, i)->at -= from;
    table->end -= from;
}

static char *reserve(struct hpack_table *table, uint32_t size)
{
    if (table->capacity - table->end < size && table->bytes)
        compact(table);
    if (table->capacity - table->end < size) {
        uint32_t capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY;
        while (capacity - table->end < size)
            capacity *= 2;
        table->bytes = mem_realloc(table->bytes, capacity);
        table->capacity = capacity;
    }
    return table->bytes + table->end;
}

void hpack_table_add(struct hpack_table *table, struct text name, struct text value, uint32_t hash)
{
    size_t size = name.size + value.size;
    if (size > UINT32_MAX / 2 || size + HPACK_ENTRY_BYTES > table->max_bytes) {
        make_room(table, UINT32_MAX);
        return;
    }
    make_room(table, (uint32_t)size + HPACK_ENTRY_BYTES);
    if (table->count == table->slots)
        grow_slots(table);
    char *at = reserve(table, (uint32_t)size);
    bytes_copy(at, name.data, name.size);
    bytes_copy(at + name.size, value.data, value.size);
    table->count++;
    *hpack_table_entry(table, 0) =
        (struct hpack_entry){table->end, (uint32_t)name.size, (uint32_t)value.size, hash};
    table->end += (uint32_t)size;
    table->size_bytes += (uint32_t)size + HPACK_ENTRY_BYTES;
}

uint32_t hpack_table_find(const struct hpack_table *table, uint32_t hash, uint32_t index)
{
    for (; index < table->count; index++)
        if (hpack_table_entry(table, index)->hash == hash)
            return index;
    return UINT32_MAX;
}
