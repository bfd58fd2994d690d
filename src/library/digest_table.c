// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/digest_table.h"

#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

enum { FIRST_ENTRIES = 64 };

void digest_table_init(struct digest_table *table, uint64_t seed, size_t max_entries)
{
    *table = (struct digest_table){.seed = seed, .max = max_entries};
}

void digest_table_release(struct digest_table *table)
{
    mem_free(table->entries);
    mem_free(table->places);
    *table = (struct digest_table){0};
}

/* The place of `track`, or the empty one where it belongs.  Ids are digests: any bytes of them are
 * as good as a hash. */
static size_t place_of(const struct digest_table *table, const uint8_t track[16])
{
    uint64_t word;
    memcpy(&word, track, sizeof word);
    size_t mask = table->place_count - 1, at = hash_mix(word ^ table->seed) & mask;
    while (table->places[at] && memcmp(table->entries[table->places[at] - 1].track, track, 16) != 0)
        at = (at + 1) & mask;
    return at;
}

static void grow_places(struct digest_table *table)
{
    mem_free(table->places);
    table->place_count = table->place_count ? table->place_count * 2 : 2 * FIRST_ENTRIES;
    table->places = mem_zalloc(table->place_count * sizeof *table->places);
    for (size_t i = 0; i < table->count; i++)
        table->places[place_of(table, table->entries[i].track)] = (uint32_t)i + 1;
}

static void make_room(struct digest_table *table)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity / 4 * 5 : FIRST_ENTRIES;
        table->entries = mem_realloc_array(table->entries, table->capacity, sizeof *table->entries);
    }
    if (2 * (table->count + 1) > table->place_count)
        grow_places(table);
}

bool digest_table_put(struct digest_table *table, const struct digest_entry *entry)
{
    make_room(table);
    uint32_t *place = &table->places[place_of(table, entry->track)];
    if (!*place && table->count == table->max)
        return false;
    if (!*place)
        *place = (uint32_t)++table->count;
    table->entries[*place - 1] = *entry;
    return true;
}

const struct digest_entry *digest_table_find(const struct digest_table *table,
                                             const uint8_t track[16])
{
    if (table->count == 0)
        return NULL;
    uint32_t number = table->places[place_of(table, track)];
    return number ? &table->entries[number - 1] : NULL;
}
