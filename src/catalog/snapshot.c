// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/snapshot.h"

/* Before each block of the snapshot's own memory. */
struct block {
    struct block *next;
    uint64_t padding; /* keeps what follows aligned to 16 */
};

void *snapshot_alloc(struct catalog *catalog, size_t size)
{
    struct block *block = catalog->memory.alloc(catalog->memory.context, sizeof *block + 8 + size);
    block->next = catalog->blocks;
    catalog->blocks = block;
    return (char *)block + 16;
}

void *scratch_alloc(const struct catalog *catalog, size_t size)
{
    return catalog->memory.alloc(catalog->memory.context, size + 16);
}

void scratch_free(const struct catalog *catalog, void *block)
{
    catalog->memory.free(catalog->memory.context, block);
}

struct catalog *catalog_open(const struct segment *const *segments, uint32_t count,
                             enum catalog_extent extent, struct catalog_memory memory,
                             void (*on_free)(void *context), void *on_free_context)
{
    CATALOG_ASSERT(count <= CATALOG_MAX_PARTS);
    struct catalog *catalog = memory.alloc(memory.context, sizeof *catalog);
    *catalog = (struct catalog){.references = 1,
                                .extent = extent,
                                .memory = memory,
                                .on_free = on_free,
                                .on_free_context = on_free_context,
                                .part_count = count};
    catalog->parts = snapshot_alloc(catalog, count * sizeof *catalog->parts);
    for (uint32_t i = 0; i < count; i++) {
        CATALOG_ASSERT(segments[i]->has_core);
        catalog->parts[i] = (struct catalog_part){.segment = segments[i]};
    }
    snapshot_resolve(catalog);
    snapshot_relate(catalog);
    return catalog;
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    (void)__atomic_add_fetch(&catalog->references, 1, __ATOMIC_RELAXED);
    return catalog;
}

void catalog_unref(struct catalog **catalog_p)
{
    struct catalog *catalog = *catalog_p;
    *catalog_p = NULL;
    if (!catalog || __atomic_sub_fetch(&catalog->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    struct catalog_memory memory = catalog->memory;
    for (struct block *block = catalog->blocks, *next; block; block = next) {
        next = block->next;
        memory.free(memory.context, block);
    }
    if (catalog->on_free)
        catalog->on_free(catalog->on_free_context);
    memory.free(memory.context, catalog);
}

uint32_t catalog_libraries(const struct catalog *catalog) { return catalog->libraries; }

static const enum segment_column id_columns[CATALOG_KINDS] = {
    [CATALOG_TRACK] = COLUMN_TRACK_ID,
    [CATALOG_ALBUM] = COLUMN_ALBUM_ID,
    [CATALOG_ARTIST] = COLUMN_ARTIST_ID,
    [CATALOG_FOLDER] = COLUMN_FOLDER_ID,
};

const struct catalog_id *snapshot_id(const struct catalog *catalog, enum catalog_kind kind,
                                     uint32_t number)
{
    uint32_t ref = catalog->refs[kind][number];
    return segment_id(snapshot_segment(catalog, ref), id_columns[kind], snapshot_row(ref));
}

uint16_t snapshot_album_year(const struct catalog *catalog, uint32_t album)
{
    uint32_t ref = catalog->refs[CATALOG_ALBUM][album];
    return segment_u16(snapshot_segment(catalog, ref), COLUMN_ALBUM_YEAR, snapshot_row(ref));
}

uint16_t snapshot_track_year(const struct catalog *catalog, uint32_t track)
{
    uint32_t ref = catalog->refs[CATALOG_TRACK][track];
    return segment_u16(snapshot_segment(catalog, ref), COLUMN_TRACK_YEAR, snapshot_row(ref));
}
