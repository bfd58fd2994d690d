// SPDX-License-Identifier: GPL-3.0-or-later
/* A depot that is a copy of another: objects on their way, and lists that are adopted. */
#include "catalog/intake.h"
#include "base/mem.h"
#include "catalog/depot.h"
#include "io/file.h"
#include "sample.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char origin_folder[64], copy_folder[64];
static struct sample sample;

static struct depot *open_depot(const char *folder, bool is_copy)
{
    char why[256];
    struct depot *depot = NULL;
    const struct depot_config config = {
        .folder = folder, .library = 1, .keep_s = 900, .is_copy = is_copy};
    if (depot_open(&config, &depot, why) != 0)
        abort();
    return depot;
}

static uint32_t tracks_of(struct depot *depot)
{
    struct catalog *catalog = depot_snapshot(&depot, 1);
    uint32_t count = catalog_count((struct catalog_view){catalog, 1}, CATALOG_TRACK);
    catalog_unref(&catalog);
    return count;
}

static void commit(struct depot *depot, uint32_t from, uint32_t to)
{
    struct build *build = depot_begin(depot);
    sample_give(&sample, build, from, to);
    if (depot_commit(depot, &build) != 0)
        abort();
}

/* An object's bytes as the origin serves them, with the byte at `flipped` altered. */
static int bring(struct depot *origin, struct depot *copy, uint32_t entry,
                 enum segment_object object, size_t flipped, size_t longer)
{
    const struct list_entry *of = &depot_current(origin)->entries[entry];
    size_t size = (size_t)of->size_bytes[object];
    uint64_t size_bytes;
    char *bytes = mem_zalloc(size + longer);
    struct shelf *shelf = depot_shelf(origin);
    struct intake *intake = NULL;
    int fd = shelf_open(shelf, of->digest[object], object, &size_bytes), error = 0;
    if (fd < 0 || read(fd, bytes, size) != (ssize_t)size)
        abort();
    (void)close(fd);
    shelf_unref(&shelf);
    if (flipped < size)
        bytes[flipped] ^= 1;
    if (intake_begin(depot_folder(copy), of, object, &intake) != 0)
        abort();
    for (size_t at = 0; at < size + longer && !error; at += 1000)
        error = intake_write(
            intake, text_make(bytes + at, size + longer - at < 1000 ? size + longer - at : 1000));
    int ended = intake_end(&intake);
    mem_free(bytes);
    return error ? error : ended;
}

static void bring_all(struct depot *origin, struct depot *copy)
{
    const struct list *list = depot_current(origin);
    for (uint32_t i = 0; i < list->count; i++)
        for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
            if (!intake_has(depot_folder(copy), &list->entries[i], (enum segment_object)object) &&
                bring(origin, copy, i, (enum segment_object)object, SIZE_MAX, 0) != 0)
                abort();
}

static bool has(struct depot *copy, const struct list *list, uint32_t entry,
                enum segment_object object)
{
    return intake_has(depot_folder(copy), &list->entries[entry], object);
}

static void a_copy_follows(void)
{
    char why[256];
    struct depot *origin = open_depot(origin_folder, false), *copy = open_depot(copy_folder, true);
    commit(origin, 0, 60);
    const struct list *list = depot_current(origin);
    OK(depot_adopt(copy, list, why) == -EBADMSG && depot_current(copy)->number == 0,
       "a list whose objects are not here is not taken into use");
    OK(bring(origin, copy, 0, SEGMENT_CORE, 100, 0) == -EBADMSG &&
           !has(copy, list, 0, SEGMENT_CORE),
       "an object with a flipped bit leaves nothing");
    OK(bring(origin, copy, 0, SEGMENT_CORE, SIZE_MAX, 1) == -EFBIG &&
           !has(copy, list, 0, SEGMENT_CORE),
       "nor one that is longer than the list says");
    bring_all(origin, copy);
    OK(has(copy, list, 0, SEGMENT_CORE) && has(copy, list, 0, SEGMENT_DETAIL), "whole ones stay");
    OK(depot_adopt(copy, list, why) == 0 && tracks_of(copy) == 60, "then the list is adopted");
    OK(depot_adopt(copy, list, why) == -ESTALE, "once");
    struct list before = *list;
    commit(origin, 60, 100);
    bring_all(origin, copy);
    OK(depot_adopt(copy, depot_current(origin), why) == 0 && tracks_of(copy) == 100,
       "the next one needs what is new alone");
    OK(depot_adopt(copy, &before, why) == -ESTALE && tracks_of(copy) == 100,
       "an older one is refused");
    depot_close(&copy);
    copy = open_depot(copy_folder, true);
    OK(tracks_of(copy) == 100 && depot_current(copy)->number == depot_current(origin)->number,
       "a restart finds it, under the origin's version");
    depot_close(&copy);
    depot_close(&origin);
}

/* Under a greater epoch numbers may begin lower; the files of before must not come back. */
static void an_epoch_goes_before_a_number(void)
{
    char why[256];
    struct depot *origin = open_depot(origin_folder, false), *copy = open_depot(copy_folder, true);
    struct list list = *depot_current(origin);
    list.epoch = 2;
    list.number = 1;
    OK(depot_adopt(copy, &list, why) == 0, "a greater epoch with a smaller number is newer");
    depot_close(&copy);
    copy = open_depot(copy_folder, true);
    OK(depot_current(copy)->epoch == 2 && tracks_of(copy) == 100, "and is what a restart finds");
    depot_close(&copy);
    depot_close(&origin);
}

static void damage_does_not_publish(void)
{
    char path[128];
    struct depot *copy = open_depot(copy_folder, true);
    uint64_t number = depot_current(copy)->number;
    (void)snprintf(path, sizeof path, "%s/%016llx.core", copy_folder,
                   (unsigned long long)depot_current(copy)->entries[0].number);
    depot_close(&copy);
    if (truncate(path, 100) != 0)
        abort();
    copy = open_depot(copy_folder, true);
    OK(depot_version(copy) == 0 || depot_version(copy) == number,
       "a damaged copy makes no version of its own");
    depot_close(&copy);
}

int main(void)
{
    (void)snprintf(origin_folder, sizeof origin_folder, "/tmp/sostenuto-intake-XXXXXX");
    (void)snprintf(copy_folder, sizeof copy_folder, "/tmp/sostenuto-intake-XXXXXX");
    if (!mkdtemp(origin_folder) || !mkdtemp(copy_folder))
        return 1;
    sample_make(&sample, 3, 100);
    a_copy_follows();
    an_epoch_goes_before_a_number();
    damage_does_not_publish();
    sample_free(&sample);
    return tap_done();
}
