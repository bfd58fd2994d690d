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
 * The lists in lists[] keep their segments; everything else is deleted by the next commit.
 */
enum { RETIRED_FREE_BYTES = 16 << 20 }; /* replaced segments may always hold so much */

struct depot {
    int folder;
    char *articles;
    uint32_t keep_s;
    uint64_t epoch;
    uint64_t highest;       /* version number ever seen in the folder: none is used twice */
    uint64_t after_segment; /* what this process numbers is above */
    size_t list_count;
    struct list lists[SHELF_MAX_LISTS]; /* the current one, then those before it, newest first */
    struct stored_segment *stored[LIST_MAX_SEGMENTS]; /* one reference each, as in lists[0] */
};

static struct list *current(struct depot *depot) { return &depot->lists[0]; }

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

static bool read_version(const struct depot *depot, uint64_t number, struct list *ret)
{
    return depot_read_list(depot->folder, number, ret) && ret->number == number &&
           ret->library == depot->lists[0].library;
}

static bool open_version(struct depot *depot, uint64_t number, char why[256])
{
    struct list list;
    if (!read_version(depot, number, &list)) {
        (void)snprintf(why, 256, "catalogue list %016llx is damaged; using the one before",
                       (unsigned long long)number);
        return false;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const char *fault = NULL;
        depot->stored[i] = stored_segment_open(depot->folder, &list, &list.entries[i], &fault);
        if (!depot->stored[i]) {
            (void)snprintf(why, 256, "catalogue segment %016llx: %s; using the version before",
                           (unsigned long long)list.entries[i].number, fault);
            drop_stored(depot);
            return false;
        }
    }
    depot->lists[0] = list;
    depot->list_count = 1;
    return true;
}

/* Those that were replaced and may be read still; of an older major none. */
static void read_retired(struct depot *depot, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count && depot->list_count < SHELF_MAX_LISTS; i++) {
        struct list *list = &depot->lists[depot->list_count];
        if (read_version(depot, numbers[i], list) && list->major == LIST_MAJOR)
            depot->list_count++;
    }
}

/* True when the current list must be published anew: it is not the newest ever seen, or of an
 * older epoch or form. */
static bool open_newest(struct depot *depot, char why[256])
{
    uint64_t numbers[SHELF_MAX_LISTS];
    size_t count = find_lists(depot, numbers, ARRAY_SIZE(numbers)), i = 0;
    if (count && numbers[0] > depot->highest)
        depot->highest = numbers[0];
    while (i < count && !open_version(depot, numbers[i], why))
        i++;
    if (i == count)
        return false;
    read_retired(depot, numbers + i + 1, count - i - 1);
    return i > 0 || current(depot)->major != LIST_MAJOR || current(depot)->epoch < depot->epoch;
}

static void publish_anew(struct depot *depot);

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
    depot->articles = text_dup(config->ignored_articles);
    depot->keep_s = config->keep_s;
    depot->epoch = config->epoch ? config->epoch : 1;
    depot->highest = depot->after_segment = config->after_number;
    depot->lists[0] = (struct list){.major = LIST_MAJOR, .library = config->library};
    if (open_newest(depot, ret_why) && !config->is_copy)
        publish_anew(depot);
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

uint64_t depot_version(const struct depot *depot) { return depot->lists[0].number; }

size_t depot_segments(const struct depot *depot) { return depot->lists[0].count; }

struct shelf *depot_shelf(const struct depot *depot)
{
    return depot->list_count ? shelf_new(depot->folder, depot->lists, depot->list_count) : NULL;
}

/* --- what was replaced --- */

static bool is_among(const struct list *lists, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < lists[i].count; k++)
            if (lists[i].entries[k].number == number)
                return true;
    return false;
}

/* Of the segments that list `at` alone keeps, of those up to it. */
static uint64_t own_bytes(const struct depot *depot, size_t at)
{
    uint64_t bytes = 0;
    const struct list *list = &depot->lists[at];
    for (uint32_t i = 0; i < list->count; i++)
        if (!is_among(depot->lists, at, list->entries[i].number))
            bytes += list->entries[i].size_bytes[SEGMENT_CORE] +
                     list->entries[i].size_bytes[SEGMENT_DETAIL];
    return bytes;
}

/* A list was replaced when the next one was written; times are the file system's. */
static void forget_retired(struct depot *depot)
{
    const struct list *lists = depot->lists;
    uint64_t room = 2 * own_bytes(depot, 0) + RETIRED_FREE_BYTES, bytes = 0;
    for (size_t i = 1; i < depot->list_count; i++) {
        int64_t replaced_s = lists[0].published_s - lists[i - 1].published_s;
        bytes += own_bytes(depot, i);
        if (i > 1 && (replaced_s >= depot->keep_s || bytes > room))
            depot->list_count = i;
    }
}

static void retire_current(struct depot *depot)
{
    size_t kept = depot->list_count < SHELF_MAX_LISTS ? depot->list_count : SHELF_MAX_LISTS - 1;
    memmove(depot->lists + 1, depot->lists, kept * sizeof *depot->lists);
    depot->list_count = kept + 1;
}

/* --- writing --- */

static uint64_t next_segment(const struct depot *depot)
{
    uint64_t highest = depot->after_segment;
    for (size_t which = 0; which < depot->list_count; which++)
        for (uint32_t i = 0; i < depot->lists[which].count; i++)
            highest = depot->lists[which].entries[i].number > highest
                          ? depot->lists[which].entries[i].number
                          : highest;
    return highest + 1;
}

static struct build *new_build(const struct depot *depot, uint64_t number)
{
    struct build_config config = {depot->lists[0].library, number, text_of(depot->articles)};
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
    int error = depot_write_segment(depot->folder, *build, &draft->list, &entry, &stored);
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

/* The draft's list and segments take the place of the current ones. */
static void take_draft(struct depot *depot, struct draft *draft)
{
    if (depot->list_count && current(depot)->major == LIST_MAJOR)
        retire_current(depot);
    else
        depot->list_count = 1;
    draft->list.major = LIST_MAJOR;
    *current(depot) = draft->list;
    for (uint32_t i = 0; i < LIST_MAX_SEGMENTS; i++) {
        stored_segment_unref(&depot->stored[i]);
        depot->stored[i] = draft->stored[i];
        draft->stored[i] = NULL;
    }
}

static int publish(struct depot *depot, struct draft *draft)
{
    draft->list.epoch = depot->epoch > draft->list.epoch ? depot->epoch : draft->list.epoch;
    draft->list.number = ++depot->highest;
    int error = depot_write_list(depot->folder, &draft->list);
    if (error)
        return error;
    take_draft(depot, draft);
    forget_retired(depot);
    depot_sweep(depot->folder, depot->lists, depot->list_count);
    return 0;
}

static struct draft draft_of(struct depot *depot)
{
    struct draft draft = {.list = depot->lists[0]};
    for (uint32_t i = 0; i < draft.list.count; i++)
        draft.stored[i] = stored_segment_ref(depot->stored[i]);
    return draft;
}

/* When the disk takes no list it is the current one all the same, until the next start does this
 * again. */
static void publish_anew(struct depot *depot)
{
    struct draft draft = draft_of(depot);
    if (publish(depot, &draft))
        take_draft(depot, &draft);
    draft_release(&draft);
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

/* --- following another's --- */

const struct list *depot_current(const struct depot *depot) { return &depot->lists[0]; }

int depot_folder(const struct depot *depot) { return depot->folder; }

static bool is_newer(const struct list *list, const struct list *held)
{
    return list->epoch != held->epoch ? list->epoch > held->epoch : list->number > held->number;
}

static int open_draft(const struct depot *depot, struct draft *draft, char why[256])
{
    for (uint32_t i = 0; i < draft->list.count; i++) {
        const char *fault = NULL;
        draft->stored[i] =
            stored_segment_open(depot->folder, &draft->list, &draft->list.entries[i], &fault);
        if (draft->stored[i])
            continue;
        (void)snprintf(why, 256, "catalogue segment %016llx %s",
                       (unsigned long long)draft->list.entries[i].number, fault);
        return -EBADMSG;
    }
    return 0;
}

/* Files are found by number: under a greater epoch that begins with a smaller one, those of before
 * would be taken for newer. */
static void forget_greater(struct depot *depot, const struct list *list)
{
    if (depot->list_count && depot->lists[0].number >= list->number)
        depot->list_count = 0;
}

int depot_adopt(struct depot *depot, const struct list *list, char ret_why[256])
{
    struct draft draft = {.list = *list};
    ret_why[0] = 0;
    draft.list.major = LIST_MAJOR;
    if (list->library != depot->lists[0].library || !is_newer(list, &depot->lists[0]))
        return -ESTALE;
    int error = open_draft(depot, &draft, ret_why);
    if (!error)
        error = depot_write_list(depot->folder, &draft.list);
    if (!error) {
        forget_greater(depot, list);
        take_draft(depot, &draft);
        depot->highest = list->number;
        forget_retired(depot);
        depot_sweep(depot->folder, depot->lists, depot->list_count);
    }
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
        for (uint32_t i = 0; i < depots[which]->lists[0].count; i++) {
            held->stored[held->count] = stored_segment_ref(depots[which]->stored[i]);
            segments[held->count] = stored_segment_view(held->stored[held->count]);
            held->count++;
        }
    return catalog_open(segments, (uint32_t)held->count, CATALOG_LIVING, catalog_heap(),
                        release_held, held);
}
