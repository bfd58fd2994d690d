// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/scan.h"
#include "base/mem.h"
#include "io/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SCRATCH_BYTES = WALK_MAX_LISTING_BYTES,
    PUBLISH_EVERY_US = 5000000, /* a first scan shows what it has this often */
};

#define FORGET_MISSING_MS (INT64_C(2) * 366 * 24 * 3600 * 1000)

/* --- changes --- */

void changes_add_file(struct changes *changes, int64_t file)
{
    if (number_set_add(&changes->file_set, (uint64_t)file))
        number_list_add(&changes->files, file);
}

void changes_add_gone(struct changes *changes, const struct gone_file *gone)
{
    if (changes->gone_count == changes->gone_capacity) {
        changes->gone_capacity = changes->gone_capacity ? changes->gone_capacity * 2 : 64;
        changes->gone =
            mem_realloc_array(changes->gone, changes->gone_capacity, sizeof *changes->gone);
    }
    changes->gone[changes->gone_count++] = *gone;
}

bool changes_any(const struct changes *changes)
{
    return changes->everything || changes->has_unsettled || changes->files.count ||
           changes->gone_count || changes->gone_folders.count || changes->pictures.count;
}

void changes_reset(struct changes *changes)
{
    number_list_release(&changes->files);
    number_set_release(&changes->file_set);
    number_set_release(&changes->grouped);
    number_list_release(&changes->gone_folders);
    number_set_release(&changes->pictures);
    number_set_release(&changes->albums);
    mem_free(changes->gone);
    *changes = (struct changes){0};
}

/* --- the stack of folders to enter; links lie at its bottom, so that a folder is met by its own
 * name first --- */

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

void scan_push(struct scan *scan, struct scan_root *root, const char *path, int64_t parent,
               bool is_link)
{
    if (depth_of(path) >= WALK_MAX_DEPTH)
        return;
    if (scan->pending_count == scan->pending_capacity) {
        scan->pending_capacity = scan->pending_capacity ? scan->pending_capacity * 2 : 64;
        scan->pending =
            mem_realloc_array(scan->pending, scan->pending_capacity, sizeof *scan->pending);
    }
    struct scan_pending *place = &scan->pending[scan->pending_count];
    if (is_link) {
        memmove(scan->pending + 1, scan->pending, scan->pending_count * sizeof *scan->pending);
        place = &scan->pending[0];
    }
    scan->pending_count++;
    *place = (struct scan_pending){
        .root = root, .path = mem_strdup(path), .parent = parent, .is_through_link = is_link};
}

static void drop_pending(struct scan *scan)
{
    for (size_t i = 0; i < scan->pending_count; i++)
        mem_free(scan->pending[i].path);
    scan->pending_count = 0;
}

/* --- roots --- */

static uint64_t count_of(struct database *database, enum statement statement, int64_t argument)
{
    sqlite3_stmt *get = database_use(database, statement);
    bind_i64(get, 1, argument);
    uint64_t count = database_step(database, get) ? (uint64_t)sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return count;
}

/* A root that cannot be opened is reported at its own row; its files stay until a scan with
 * allow_removal. */
static void open_root(struct scan *scan, struct scan_root *root)
{
    struct database *database = scan->environment->database;
    if (!scan->request.targets || !root->before)
        root->before = count_of(database, STATEMENT_FILES_COUNT_OF_ROOT, root->id);
    root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->fd >= 0)
        return;
    int error = errno;
    LOG(scan->environment->logger, LOG_WARNING, "a library's folder cannot be opened",
        {"path", text_of(root->path)}, {"why", log_errno(error)});
    sqlite3_stmt *find = database_use(database, STATEMENT_FOLDER_FIND);
    bind_i64(find, 1, root->id);
    bind_bytes(find, 2, "", 0);
    int64_t row = database_step(database, find) ? sqlite3_column_int64(find, 0) : 0;
    sqlite3_reset(find);
    if (!row) {
        sqlite3_stmt *insert = database_use(database, STATEMENT_FOLDER_INSERT);
        bind_i64(insert, 1, root->id);
        bind_bytes(insert, 2, "", 0);
        bind_null(insert, 3);
        row = database_run(database, insert);
    }
    sqlite3_stmt *set = database_use(database, STATEMENT_FOLDER_SET_REASON);
    bind_i64(set, 1, row);
    sqlite3_bind_text(set, 2, strerrordesc_np(error), -1, SQLITE_STATIC);
    database_run(database, set);
    (void)number_set_add(&scan->visited, (uint64_t)row);
}

static void close_roots(const struct scan_environment *environment)
{
    for (size_t i = 0; i < environment->root_count; i++) {
        if (environment->roots[i].fd >= 0)
            close(environment->roots[i].fd);
        environment->roots[i].fd = -1;
    }
}

/* --- what nobody met --- */

struct unmet {
    int64_t row, parent;
    bool is_kept;
};

static const struct unmet *find_unmet(const struct unmet *rows, size_t count, int64_t row)
{
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].row == row)
            return &rows[middle];
        if (rows[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int by_row(const void *a, const void *b)
{
    int64_t x = ((const struct unmet *)a)->row, y = ((const struct unmet *)b)->row;
    return (x > y) - (x < y);
}

/* Kept: the folder, or one above it, could not be read this time. */
static bool is_kept(const struct scan *scan, const struct unmet *rows, size_t count,
                    const struct unmet *row)
{
    for (int depth = 0; row && depth <= WALK_MAX_DEPTH + 1; depth++) {
        if (number_set_has(&scan->kept, (uint64_t)row->row))
            return true;
        row = row->parent ? find_unmet(rows, count, row->parent) : NULL;
    }
    return false;
}

static void folder_gone(struct scan *scan, int32_t root, int64_t folder)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILES_BENEATH);
    bind_i64(get, 1, folder);
    while (database_step(database, get)) {
        struct gone_file gone = {.file = sqlite3_column_int64(get, 0),
                                 .folder = folder,
                                 .root = root,
                                 .is_vanished = true};
        changes_add_gone(&scan->changes, &gone);
    }
    sqlite3_reset(get);
}

static void find_unvisited(struct scan *scan, const struct scan_root *root)
{
    struct database *database = scan->environment->database;
    struct unmet *rows = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *get = database_use(database, STATEMENT_FOLDERS_OF_ROOT);
    bind_i64(get, 1, root->id);
    while (database_step(database, get)) {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            rows = mem_realloc_array(rows, capacity, sizeof *rows);
        }
        rows[count++] = (struct unmet){.row = sqlite3_column_int64(get, 0),
                                       .parent = sqlite3_column_int64(get, 1)};
    }
    sqlite3_reset(get);
    if (count)
        qsort(rows, count, sizeof *rows, by_row);
    for (size_t i = 0; i < count; i++) {
        bool is_root_unopened = root->fd < 0;
        bool is_met = number_set_has(&scan->visited, (uint64_t)rows[i].row);
        if ((is_met && !is_root_unopened) || is_kept(scan, rows, count, &rows[i]))
            continue;
        if (!is_met)
            number_list_add(&scan->changes.gone_folders, rows[i].row);
        folder_gone(scan, root->id, rows[i].row);
    }
    mem_free(rows);
}

/* Of a look at single folders: those gone, and all beneath them. */
static void spread_gone_folders(struct scan *scan)
{
    struct database *database = scan->environment->database;
    struct number_list *gone = &scan->changes.gone_folders;
    for (size_t i = 0; i < gone->count; i++) { /* grows as it goes */
        sqlite3_stmt *get = database_use(database, STATEMENT_FOLDERS_WITHIN);
        bind_i64(get, 1, gone->items[i]);
        while (database_step(database, get))
            if (!number_set_has(&scan->visited, (uint64_t)sqlite3_column_int64(get, 0)))
                number_list_add(gone, sqlite3_column_int64(get, 0));
        sqlite3_reset(get);
    }
    for (size_t i = 0; i < gone->count; i++) {
        sqlite3_stmt *get = database_use(database, STATEMENT_FOLDER_GET);
        bind_i64(get, 1, gone->items[i]);
        int32_t root = database_step(database, get) ? sqlite3_column_int(get, 0) : 0;
        sqlite3_reset(get);
        folder_gone(scan, root, gone->items[i]);
    }
}

/* --- the run --- */

static struct scan_root *root_of(const struct scan_environment *environment, int32_t id)
{
    for (size_t i = 0; i < environment->root_count; i++)
        if (environment->roots[i].id == id)
            return &environment->roots[i];
    return NULL;
}

static int64_t folder_row(struct scan *scan, int32_t root, struct text path)
{
    sqlite3_stmt *get = database_use(scan->environment->database, STATEMENT_FOLDER_FIND);
    bind_i64(get, 1, root);
    bind_bytes(get, 2, path.data, path.size);
    int64_t row =
        database_step(scan->environment->database, get) ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return row;
}

/* A folder whose parent nobody knows yet is met by way of the parent's own change. */
static void push_target(struct scan *scan, const struct scan_target *target)
{
    struct scan_root *root = root_of(scan->environment, target->root);
    if (!root || root->fd < 0)
        return;
    struct text path = text_of(target->path);
    size_t last = path.size;
    while (last > 0 && path.data[last - 1] != '/')
        last--;
    int64_t parent =
        path.size ? folder_row(scan, root->id, text_make(path.data, last ? last - 1 : 0)) : 0;
    if (path.size && !parent)
        return;
    scan_push(scan, root, target->path, parent, false);
    scan->pending[scan->pending_count - 1].is_shallow =
        !target->is_deep && folder_row(scan, root->id, path) != 0;
}

static void push_all(struct scan *scan)
{
    const struct scan_environment *environment = scan->environment;
    const struct scan_request *request = &scan->request;
    for (size_t i = 0; request->targets && i < request->target_count; i++)
        push_target(scan, &request->targets[i]);
    for (size_t i = request->targets ? 0 : environment->root_count; i-- > 0;)
        if (environment->roots[i].fd >= 0)
            scan_push(scan, &environment->roots[i], "", 0, false);
}

/* library.db first: should we die in between, "unpublished" makes the next scan publish everything.
 */
static int publish_so_far(struct scan *scan)
{
    struct database *database = scan->environment->database;
    scan->published_us = clock_monotonic_us();
    if (scan->error || !changes_any(&scan->changes))
        return scan->error;
    settle(scan);
    database_set_meta(database, "unpublished", 1);
    int error = database_commit(database);
    database_begin(database);
    if (!error)
        error = publish(scan);
    if (!error) {
        database_set_meta(database, "unpublished", 0);
        changes_reset(&scan->changes);
        if (scan->environment->on_published)
            scan->environment->on_published(scan->environment->context);
    }
    return error;
}

static int walk(struct scan *scan)
{
    const struct scan_environment *environment = scan->environment;
    bool is_first = true;
    for (size_t i = 0; i < environment->root_count; i++)
        is_first = is_first && environment->roots[i].before == 0;
    int error = 0;
    while (scan->pending_count && !error && !scan->error &&
           !database_error(environment->database)) {
        if (atomic_load(environment->is_cancelled))
            return -ECANCELED;
        struct scan_pending pending = scan->pending[--scan->pending_count];
        scan_folder(scan, &pending);
        mem_free(pending.path);
        if (is_first && clock_monotonic_us() - scan->published_us > PUBLISH_EVERY_US) {
            media_batch_flush(scan->batch);
            error = publish_so_far(scan);
        }
    }
    media_batch_flush(scan->batch);
    return error ? error : scan->error;
}

/* Ids of files that nobody has seen for this long are given up, so library.db does not grow for
 * ever. */
static void forget_missing(struct scan *scan)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *forget = database_use(database, STATEMENT_FILES_FORGET);
    bind_i64(forget, 1, scan->now_ms - FORGET_MISSING_MS);
    database_run(database, forget);
    database_run(database, database_use(database, STATEMENT_GROUPS_FORGET));
}

static int finish(struct scan *scan)
{
    const struct scan_environment *environment = scan->environment;
    struct scan_progress *progress = environment->progress;
    atomic_store(&progress->phase, LIBRARY_BUILDING);
    if (scan->request.targets)
        spread_gone_folders(scan);
    else
        for (size_t i = 0; i < environment->root_count; i++)
            find_unvisited(scan, &environment->roots[i]);
    int error = publish_so_far(scan);
    if (!scan->request.targets)
        forget_missing(scan);
    atomic_store(&progress->failed, count_of(environment->database, STATEMENT_FAILED_COUNT, 0));
    return error;
}

static void scan_init(struct scan *scan, const struct scan_environment *environment,
                      const struct scan_request *request)
{
    *scan =
        (struct scan){.environment = environment, .request = *request, .now_ms = clock_unix_ms()};
    scan->scratch = arena_new(SCRATCH_BYTES);
    buffer_init(&scan->encoded, MEDIA_INFO_MAX_BYTES);
    scan->batch = media_batch_new(environment->media, probe_done, scan);
    scan->published_us = clock_monotonic_us();
    struct scan_progress *progress = environment->progress;
    atomic_store(&progress->seen, 0);
    atomic_store(&progress->changed, 0);
    atomic_store(&progress->removed, 0);
    if (!request->targets)
        atomic_store(&progress->refused, 0);
    atomic_store(&progress->phase, LIBRARY_WALKING);
}

static void scan_release(struct scan *scan)
{
    media_batch_free(&scan->batch);
    drop_pending(scan);
    mem_free(scan->pending);
    changes_reset(&scan->changes);
    groups_free(&scan->groups);
    number_set_release(&scan->entered);
    number_set_release(&scan->visited);
    number_set_release(&scan->kept);
    buffer_release(&scan->encoded);
    arena_free(&scan->scratch);
}

int scan_run(const struct scan_environment *environment, const struct scan_request *request)
{
    struct scan scan;
    struct database *database = environment->database;
    scan_init(&scan, environment, request);
    database_begin(database);
    scan.changes.everything = database_meta(database, "unpublished") != 0;
    for (size_t i = 0; i < environment->root_count; i++)
        open_root(&scan, &environment->roots[i]);
    push_all(&scan);
    int error = walk(&scan);
    if (!error)
        error = finish(&scan);
    media_batch_flush(
        scan.batch); /* a cancelled walk may have files in flight: their rows are good */
    if (changes_any(&scan.changes))
        database_set_meta(database, "unpublished", 1);
    int committed = database_commit(database);
    close_roots(environment);
    scan_release(&scan);
    atomic_store(&environment->progress->phase, LIBRARY_IDLE);
    return error ? error : committed;
}
