// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/shelf.h"
#include "base/mem.h"
#include "catalog/depot_file.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

struct shelf {
    atomic_int references;
    int folder;
    size_t count;
    struct list lists[];
};

struct shelf *shelf_new(int folder, const struct list *lists, size_t count)
{
    assert(count >= 1 && count <= SHELF_MAX_LISTS);
    struct shelf *shelf = mem_zalloc(sizeof *shelf + count * sizeof *lists);
    shelf->references = 1;
    shelf->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    shelf->count = count;
    memcpy(shelf->lists, lists, count * sizeof *lists);
    return shelf;
}

struct shelf *shelf_ref(struct shelf *shelf)
{
    if (shelf)
        atomic_fetch_add(&shelf->references, 1);
    return shelf;
}

void shelf_unref(struct shelf **shelf_p)
{
    struct shelf *shelf = *shelf_p;
    *shelf_p = NULL;
    if (!shelf || atomic_fetch_sub(&shelf->references, 1) > 1)
        return;
    if (shelf->folder >= 0)
        (void)close(shelf->folder);
    mem_free(shelf);
}

const struct list *shelf_current(const struct shelf *shelf) { return &shelf->lists[0]; }

const struct list *shelf_version(const struct shelf *shelf, uint64_t epoch, uint64_t number)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->lists[i].epoch == epoch && shelf->lists[i].number == number)
            return &shelf->lists[i];
    return NULL;
}

static const struct list_entry *find(const struct list *list, const uint8_t *digest,
                                     enum segment_object object)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (memcmp(list->entries[i].digest[object], digest, FORMAT_DIGEST_SIZE) == 0)
            return &list->entries[i];
    return NULL;
}

int shelf_open(const struct shelf *shelf, const uint8_t digest[FORMAT_DIGEST_SIZE],
               enum segment_object object, uint64_t *ret_size_bytes)
{
    const struct list_entry *entry = NULL;
    for (size_t i = 0; i < shelf->count && !entry; i++)
        entry = find(&shelf->lists[i], digest, object);
    if (!entry)
        return -ENOENT;
    int fd = depot_open_object(shelf->folder, entry->number, object);
    if (fd >= 0)
        *ret_size_bytes = entry->size_bytes[object];
    return fd;
}
