// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a reader of the catalogue must fetch when albums are retagged, one after another, in a
 * library of 100,000 tracks: the objects of each list that it lacks, merges among them.
 */
#include "catalog/depot.h"
#include "catalog/published.h"
#include "catalog_rows.h"
#include "tap.h"
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum { TRACKS = 100000, RETAGS = 100 };

static char folder[64];

struct moved {
    uint64_t objects, list;
};

static struct list list_of(const struct depot *depot)
{
    struct shelf *shelf = depot_shelf(depot);
    struct list list = *shelf_current(shelf);
    shelf_unref(&shelf);
    return list;
}

static struct moved moved_between(const struct list *held, const struct list *wanted)
{
    struct published_object lacking[PUBLISHED_MAX_OBJECTS];
    struct moved moved = {0};
    struct buffer json;
    size_t count = published_lacking(wanted, held, lacking);
    for (size_t i = 0; i < count; i++)
        moved.objects += lacking[i].size_bytes;
    buffer_init(&json, PUBLISHED_MAX_BYTES);
    published_write(wanted, &json);
    moved.list = json.size + 640; /* and the preamble with the signature */
    buffer_release(&json);
    return moved;
}

static void commit(struct depot *depot, struct build *build)
{
    if (depot_commit(depot, &build) != 0)
        abort();
}

static void empty_folder(void)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        (void)closedir(entries);
    (void)rmdir(folder);
}

/* As many albums as RETAGS, each once, in no order of the library. */
static uint32_t next_album(const struct rows_sample *rows, uint32_t i)
{
    return (uint32_t)((uint64_t)i * 7919 % rows_albums(rows));
}

int main(void)
{
    char why[256];
    struct depot *depot;
    (void)snprintf(folder, sizeof folder, "/tmp/sostenuto-delta-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    struct rows_sample *rows = rows_new(1, TRACKS);
    if (depot_open(&(struct depot_config){.folder = folder, .library = 1}, &depot, why) != 0)
        return 1;
    struct build *build = depot_begin(depot);
    rows_give(rows, build);
    commit(depot, build);
    struct list held = list_of(depot);
    uint64_t whole = moved_between(NULL, &held).objects, sum = 0, worst = 0, first = 0;
    for (uint32_t i = 0; i < RETAGS; i++) {
        build = depot_begin(depot);
        rows_give_album(rows, build, next_album(rows, i), 1);
        commit(depot, build);
        struct list wanted = list_of(depot);
        struct moved moved = moved_between(&held, &wanted);
        uint64_t bytes = moved.objects + moved.list;
        first = i ? first : bytes;
        worst = bytes > worst ? bytes : worst;
        sum += bytes;
        held = wanted;
    }
    printf("# catalogue %.1f MiB; first album %.1f KiB, %d albums %.1f KiB each, worst %.1f KiB\n",
           (double)whole / 1048576, (double)first / 1024, RETAGS, (double)sum / 1024 / RETAGS,
           (double)worst / 1024);
    OK(first * 100 < whole, "one album retagged moves under 1 % of the catalogue");
    OK(sum < whole * RETAGS / 1000, "with merges a hundred of them move under 0.1 % each");
    OK(worst * 100 < whole * 2, "and the largest merge among them under 2 %");
    depot_close(&depot);
    rows_free(&rows);
    empty_folder();
    return tap_done();
}
