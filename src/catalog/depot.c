// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/depot.h"
#include "base/mem.h"
#include "catalog/depot_file.h"
#include "catalog/heap.h"
#include "catalog/list.h"
#include "catalog/merge.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Files of a depot's folder (numbers are 16 hex digits):
 *   NUMBER.list             a version; the highest that verifies is the current one
 *   NUMBER.core .detail     a segment
 *   *.new                   being written; left behind only by a crash
 * The current list and the one before it keep their segments; everything else is deleted by the
 * next commit.
 */
struct depot {
    int folder;
    uint8_t library;
    char *articles;
    struct list list, previous;
    uint64_t highest; /* version number ever seen in the folder: none is used twice */
    struct stored_segment *stored[LIST_MAX_SEGMENTS]; /* one reference each, as in `list` */
};

/* --- opening --- */

/* Versions in the folder, highest first, at most `max` (others are left for the sweep). */
static size_t find_lists(const struct depot *depot, uint64_t *ret, size_t max)
{
    size_t count = 0;
    int fd = openat(depot->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        uint64_t number;
        enum depot_file kind;
        if (!depot_file_parse(entry->d_name, &number, &kind) || kind != DEPOT_LIST)
            continue;
        size_t at = count;
        while (at > 0 && ret[at - 1] < number)
            at--;
        if (at == max)
            continue;
        count += count < max;
        memmove(ret + at + 1, ret + at, (count - 1 - at) * sizeof *ret);
        ret[at] = number;
    }
    if (folder)
        (void)closedir(folder);
    return count;
}

static void drop_stored(struct depot *depot)
{
    for (uint32_t i = 0; i < LIST_MAX_SEGMENTS; i++)
        stored_segment_unref(&depot->stored[i]);
}

static bool open_version(struct depot *depot, uint64_t number, char why[256])
{
    struct list list;
    if (!depot_read_list(depot->folder, number, &list) || list.number != number ||
        list.library != depot->library) {
        (void)snprintf(why, 256, "catalogue list %016llx is damaged; using the one before",
                       (unsigned long long)number);
        return false;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const char *fault = NULL;
        depot->stored[i] =
            stored_segment_open(depot->folder, &list.entries[i], list.library, &fault);
        if (!depot->stored[i]) {
            (void)snprintf(why, 256, "catalogue segment %016llx: %s; using the version before",
                           (unsigned long long)list.entries[i].number, fault);
            drop_stored(depot);
            return false;
        }
    }
    depot->list = list;
    return true;
}

static void open_newest(struct depot *depot, char why[256])
{
    uint64_t numbers[4];
    size_t count = find_lists(depot, numbers, ARRAY_SIZE(numbers));
    depot->list = (struct list){.library = depot->library};
    for (size_t i = 0; i < count; i++)
        if (open_version(depot, numbers[i], why))
            break;
    depot->previous = depot->list;
    depot->highest = count ? numbers[0] : 0;
}

int depot_open(const struct depot_config *config, struct depot **ret_depot, char ret_why[256])
{
    assert(config->library >= 1 && config->library <= 32);
    ret_why[0] = 0;
    if (mkdir(config->folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    int folder = open(config->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    struct depot *depot = MEM_NEW(struct depot);
    depot->folder = folder;
    depot->library = config->library;
    depot->articles = text_dup(config->ignored_articles);
    open_newest(depot, ret_why);
    *ret_depot = depot;
    return 0;
}

void depot_close(struct depot **depot_p)
{
    struct depot *depot = *depot_p;
    if (!depot)
        return;
    drop_stored(depot);
    (void)close(depot->folder);
    mem_free(depot->articles);
    mem_free_p(depot_p);
}

uint64_t depot_version(const struct depot *depot) { return depot->list.number; }

size_t depot_segments(const struct depot *depot) { return depot->list.count; }

/* --- writing --- */

static uint64_t next_segment(const struct depot *depot)
{
    uint64_t highest = 0;
    const struct list *lists[] = {&depot->list, &depot->previous};
    for (size_t which = 0; which < ARRAY_SIZE(lists); which++)
        for (uint32_t i = 0; i < lists[which]->count; i++)
            highest = lists[which]->entries[i].number > highest ? lists[which]->entries[i].number
                                                                : highest;
    return highest + 1;
}

static struct build *new_build(const struct depot *depot, uint64_t number)
{
    struct build_config config = {depot->library, number, text_of(depot->articles)};
    return build_new(&config);
}

struct build *depot_begin(struct depot *depot) { return new_build(depot, next_segment(depot)); }

/* What a version will be, until its list is in place. */
struct draft {
    struct list list;
    struct stored_segment *stored[LIST_MAX_SEGMENTS + 1];
};

static void draft_release(struct draft *draft)
{
    for (size_t i = 0; i < ARRAY_SIZE(draft->stored); i++)
        stored_segment_unref(&draft->stored[i]);
}

/* Writes the build as a segment in place of the draft's segments from `first` on. */
static int draft_add(struct depot *depot, struct draft *draft, uint32_t first, uint64_t number,
                     struct build **build)
{
    struct list_entry entry = {.number = number};
    struct stored_segment *stored = NULL;
    int error = depot_write_segment(depot->folder, *build, depot->library, &entry, &stored);
    build_free(build);
    if (error)
        return error;
    for (uint32_t i = first; i < draft->list.count; i++)
        stored_segment_unref(&draft->stored[i]);
    draft->list.entries[first] = entry;
    draft->stored[first] = stored;
    draft->list.count = first + 1;
    return 0;
}

static int draft_merge(struct depot *depot, struct draft *draft, uint32_t first, uint64_t number)
{
    const struct segment *segments[LIST_MAX_SEGMENTS + 1];
    uint32_t count = 0;
    for (uint32_t i = first; i < draft->list.count; i++)
        segments[count++] = stored_segment_view(draft->stored[i]);
    struct build *build = new_build(depot, number);
    merge_segments(segments, count, first == 0, build);
    return draft_add(depot, draft, first, number, &build);
}

static int publish(struct depot *depot, struct draft *draft)
{
    draft->list.number = depot->highest + 1;
    int error = depot_write_list(depot->folder, &draft->list);
    if (error)
        return error;
    depot->highest = draft->list.number;
    depot->previous = depot->list;
    depot->list = draft->list;
    for (uint32_t i = 0; i < LIST_MAX_SEGMENTS; i++) {
        stored_segment_unref(&depot->stored[i]);
        depot->stored[i] = draft->stored[i];
        draft->stored[i] = NULL;
    }
    depot_sweep(depot->folder, &depot->list, &depot->previous);
    return 0;
}

static struct draft draft_of(struct depot *depot)
{
    struct draft draft = {.list = depot->list};
    for (uint32_t i = 0; i < depot->list.count; i++)
        draft.stored[i] = stored_segment_ref(depot->stored[i]);
    return draft;
}

/* The list holds LIST_MAX_SEGMENTS, so a full one is merged before another segment is added. */
static int make_room(struct depot *depot, struct draft *draft, uint64_t *number)
{
    if (draft->list.count < LIST_MAX_SEGMENTS)
        return 0;
    return draft_merge(depot, draft, LIST_MAX_SEGMENTS / 2, (*number)++);
}

static int commit(struct depot *depot, struct build **build, bool is_replacement)
{
    struct draft draft = draft_of(depot);
    uint64_t number = next_segment(depot);
    int error = is_replacement ? 0 : make_room(depot, &draft, &number);
    build_renumber(*build, number);
    if (!error)
        error = draft_add(depot, &draft, is_replacement ? 0 : draft.list.count, number++, build);
    uint32_t first = draft.list.count;
    if (!error)
        first = merge_first(&draft.list);
    if (!error && first + 1 < draft.list.count)
        error = draft_merge(depot, &draft, first, number);
    if (!error)
        error = publish(depot, &draft);
    draft_release(&draft);
    build_free(build);
    return error;
}

int depot_commit(struct depot *depot, struct build **build)
{
    if (build_is_empty(*build)) {
        build_free(build);
        return 0;
    }
    return commit(depot, build, false);
}

int depot_replace(struct depot *depot, struct build **build) { return commit(depot, build, true); }

int depot_rebuild(struct depot *depot)
{
    struct draft draft = draft_of(depot);
    int error = draft.list.count ? draft_merge(depot, &draft, 0, next_segment(depot)) : 0;
    if (!error && draft.list.count)
        error = publish(depot, &draft);
    draft_release(&draft);
    return error;
}

/* --- snapshots --- */

struct held_segments {
    size_t count;
    struct stored_segment *stored[CATALOG_MAX_PARTS];
};

static void release_held(void *context)
{
    struct held_segments *held = context;
    for (size_t i = 0; i < held->count; i++)
        stored_segment_unref(&held->stored[i]);
    mem_free(held);
}

struct catalog *depot_snapshot(struct depot *const *depots, size_t count)
{
    const struct segment *segments[CATALOG_MAX_PARTS];
    struct held_segments *held = MEM_NEW(struct held_segments);
    assert(count <= 32);
    for (size_t which = 0; which < count; which++)
        for (uint32_t i = 0; i < depots[which]->list.count; i++) {
            held->stored[held->count] = stored_segment_ref(depots[which]->stored[i]);
            segments[held->count] = stored_segment_view(held->stored[held->count]);
            held->count++;
        }
    return catalog_open(segments, (uint32_t)held->count, CATALOG_LIVING, catalog_heap(),
                        release_held, held);
}
