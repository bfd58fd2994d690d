// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * settle: after a walk, which track is each file, and which tracks are gone?
 *
 *   1. rows of files that nobody met are detached from their folders
 *   2. every unsettled row (audio heard before) takes over a detached row with its audio: the track
 * moved, or came back after a long time; first those that kept their name, then the rest; what is
 * left over is a duplicate
 *   3. if more than a fifth of a root would still be lost, all its lost files are attached again
 * and kept
 *   4. albums and artists of all that changed (groups.c)
 */
#include "base/mem.h"
#include "library/groups.h"
#include "library/scan.h"
#include <string.h>

static void detach(struct scan *scan, struct gone_file *gone)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILE_IDENTITY);
    bind_i64(get, 1, gone->file);
    if (database_step(database, get))
        column_id(get, 1, gone->track.bytes);
    sqlite3_reset(get);
    bool is_settled = !catalog_id_is_none(&gone->track);
    sqlite3_stmt *set =
        database_use(database, is_settled ? STATEMENT_FILE_DETACH : STATEMENT_FILE_DELETE);
    bind_i64(set, 1, gone->file);
    if (is_settled)
        bind_i64(set, 2, scan->now_ms);
    database_run(database, set);
}

/* --- 2. moved, restored, duplicate --- */

static void adopt(struct scan *scan, int64_t new_row, int64_t old_row)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *raw = database_use(database, STATEMENT_FILE_RAW);
    bind_i64(raw, 1, new_row);
    if (!database_step(database, raw))
        return;
    sqlite3_value *values[9]; /* outlive the row that they come from */
    for (int i = 0; i < 9; i++)
        values[i] = sqlite3_value_dup(sqlite3_column_value(raw, i));
    sqlite3_reset(raw);
    sqlite3_stmt *delete = database_use(database, STATEMENT_FILE_DELETE);
    bind_i64(delete, 1, new_row);
    database_run(database, delete);
    sqlite3_stmt *update = database_use(database, STATEMENT_FILE_ADOPT);
    bind_i64(update, 1, old_row);
    for (int i = 0; i < 9; i++)
        sqlite3_bind_value(update, i + 2, values[i]);
    database_run(database, update);
    for (int i = 0; i < 9; i++)
        sqlite3_value_free(values[i]);
    changes_add_file(&scan->changes, old_row);
}

static bool try_adopt(struct scan *scan, int64_t row, const uint8_t audio_id[16],
                      enum statement candidates)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *find = database_use(database, candidates);
    bind_bytes(find, 1, audio_id, 16);
    if (candidates == STATEMENT_FILE_MISSING_NAMESAKE)
        bind_i64(find, 2, row);
    int64_t missing = database_step(database, find) ? sqlite3_column_int64(find, 0) : 0;
    sqlite3_reset(find);
    if (missing)
        adopt(scan, row, missing);
    return missing != 0;
}

static bool track_exists(struct database *database, const struct catalog_id *id)
{
    sqlite3_stmt *get = database_use(database, STATEMENT_TRACK_EXISTS);
    bind_bytes(get, 1, id->bytes, sizeof id->bytes);
    bool exists = database_step(database, get);
    sqlite3_reset(get);
    return exists;
}

static void settle_duplicate(struct scan *scan, int64_t row, const uint8_t audio_id[16])
{
    struct database *database = scan->environment->database;
    uint32_t ordinal = 0;
    struct catalog_id id = id_of_track(audio_id, 0);
    if (track_exists(database, &id)) {
        sqlite3_stmt *last = database_use(database, STATEMENT_AUDIO_LAST_COPY);
        bind_bytes(last, 1, audio_id, 16);
        ordinal = database_step(database, last) ? (uint32_t)sqlite3_column_int64(last, 0) + 1 : 1;
        sqlite3_reset(last);
        id = id_of_track(audio_id, ordinal);
    }
    sqlite3_stmt *set = database_use(database, STATEMENT_FILE_SETTLE);
    bind_i64(set, 1, row);
    bind_i64(set, 2, ordinal);
    bind_bytes(set, 3, id.bytes, sizeof id.bytes);
    database_run(database, set);
    changes_add_file(&scan->changes, row);
}

struct unsettled {
    int64_t row;
    uint8_t audio_id[16];
};

static struct unsettled *read_unsettled(struct database *database, size_t *ret_count)
{
    struct unsettled *rows = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILES_UNSETTLED);
    while (database_step(database, get)) {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            rows = mem_realloc_array(rows, capacity, sizeof *rows);
        }
        rows[count].row = sqlite3_column_int64(get, 0);
        column_id(get, 1, rows[count++].audio_id);
    }
    sqlite3_reset(get);
    *ret_count = count;
    return rows;
}

static void settle_files(struct scan *scan)
{
    size_t count;
    struct unsettled *rows = read_unsettled(scan->environment->database, &count);
    for (size_t i = 0; i < count; i++)
        if (try_adopt(scan, rows[i].row, rows[i].audio_id, STATEMENT_FILE_MISSING_NAMESAKE))
            rows[i].row = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].row && !try_adopt(scan, rows[i].row, rows[i].audio_id, STATEMENT_FILE_MISSING))
            settle_duplicate(scan, rows[i].row, rows[i].audio_id);
    mem_free(rows);
}

/* --- 3. what is lost --- */

static void decide_gone(struct scan *scan, struct gone_file *gone)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILE_PLACE);
    bind_i64(get, 1, gone->file);
    gone->outcome = GONE_LOST;
    if (database_step(database, get))
        gone->outcome = sqlite3_column_int(get, 0) == gone->root ? GONE_BACK : GONE_ELSEWHERE;
    sqlite3_reset(get);
}

/* More than a fifth; but one file of several may always go. */
static bool is_too_much(uint64_t lost, uint64_t before)
{
    return lost * 5 > before && (lost > 1 || before <= 1);
}

static void keep_lost(struct scan *scan, const struct scan_root *root, uint64_t lost)
{
    struct database *database = scan->environment->database;
    for (size_t i = 0; i < scan->changes.gone_count; i++) {
        struct gone_file *gone = &scan->changes.gone[i];
        if (gone->root != root->id || !gone->is_vanished || gone->outcome != GONE_LOST)
            continue;
        gone->outcome = GONE_BACK;
        sqlite3_stmt *set = database_use(database, STATEMENT_FILE_REATTACH);
        bind_i64(set, 1, gone->file);
        bind_i64(set, 2, gone->folder);
        database_run(database, set);
    }
    LOG(scan->environment->logger, LOG_WARNING,
        "so many files seem gone that they are kept; scan with allow-removal if they are gone for "
        "good",
        {"library", text_of(root->name)}, {"files", LOG_NUMBER(lost)},
        {"of", LOG_NUMBER(root->before)});
}

/* True when the root keeps its lost files, and so the folders that they were in. */
static bool settle_root(struct scan *scan, const struct scan_root *root)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < scan->changes.gone_count; i++) {
        const struct gone_file *gone = &scan->changes.gone[i];
        lost += gone->root == root->id && gone->is_vanished && gone->outcome == GONE_LOST;
    }
    struct scan_progress *progress = scan->environment->progress;
    if (lost && !scan->request.allow_removal && is_too_much(lost, root->before)) {
        keep_lost(scan, root, lost);
        atomic_fetch_add(&progress->refused, lost);
        return true;
    }
    atomic_fetch_add(&progress->removed, lost);
    return false;
}

static void drop_folders(struct scan *scan, uint32_t keeping_roots)
{
    const struct scan_environment *environment = scan->environment;
    for (size_t i = 0; i < scan->changes.gone_folders.count; i++) {
        int64_t folder = scan->changes.gone_folders.items[i];
        sqlite3_stmt *get = database_use(environment->database, STATEMENT_FOLDER_GET);
        bind_i64(get, 1, folder);
        int root = database_step(environment->database, get) ? sqlite3_column_int(get, 0) : 0;
        sqlite3_reset(get);
        bool is_keeping = false;
        for (size_t r = 0; r < environment->root_count; r++)
            is_keeping =
                is_keeping || (environment->roots[r].id == root && (keeping_roots >> r & 1));
        if (is_keeping)
            continue;
        sqlite3_stmt *problems =
            database_use(environment->database, STATEMENT_FILES_DELETE_PROBLEMS);
        bind_i64(problems, 1, folder);
        database_run(environment->database, problems);
        sqlite3_stmt *delete = database_use(environment->database, STATEMENT_FOLDER_DELETE);
        bind_i64(delete, 1, folder);
        database_run(environment->database, delete);
    }
}

/* --- 4. albums and artists --- */

static void add_to_groups(struct scan *scan, struct groups *groups, int64_t file, bool was_member)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILE_GET);
    bind_i64(get, 1, file);
    if (!database_step(database, get))
        return;
    struct groups_file change = {.file = file, .old_album = sqlite3_column_int64(get, 6)};
    change.was_counted = was_member && change.old_album;
    struct text artists = column_bytes(get, 7);
    int64_t old_artists[GROUPING_MAX_CREDITS];
    change.old_artist_count = artists.size / sizeof *old_artists;
    if (change.old_artist_count > GROUPING_MAX_CREDITS)
        change.old_artist_count = GROUPING_MAX_CREDITS;
    bytes_copy(old_artists, artists.data, change.old_artist_count * sizeof *old_artists);
    change.old_artists = old_artists;

    struct media_info info = {0};
    struct credit credits[GROUPING_MAX_CREDITS];
    struct album_key album;
    bool is_present = sqlite3_column_type(get, 0) != SQLITE_NULL;
    if (is_present && media_info_decode(column_bytes(get, 8), &info)) {
        change.credit_count = grouping_credits(&info, credits);
        change.credits = credits;
        grouping_album(&info, sqlite3_column_int(get, 11), column_bytes(get, 12), &album);
        change.album = &album;
        change.album_name = media_info_tag(&info, MEDIA_TAG_ALBUM, 0);
    }
    groups_add(groups, &change);
    media_info_release(&info);
    sqlite3_reset(get);
}

static void settle_groups(struct scan *scan, const struct number_set *gone,
                          const struct number_set *adopted)
{
    struct changes *changes = &scan->changes;
    if (!scan->groups)
        scan->groups = groups_new(scan->environment->database, scan->now_ms);
    struct groups *groups = scan->groups;
    for (size_t i = 0; i < changes->files.count; i++) {
        int64_t file = changes->files.items[i];
        bool is_back =
            number_set_has(adopted, (uint64_t)file) && !number_set_has(gone, (uint64_t)file);
        if (!number_set_has(&changes->grouped, (uint64_t)file))
            add_to_groups(scan, groups, file, !changes->everything && !is_back);
    }
    for (size_t i = 0; i < changes->gone_count; i++)
        if (changes->gone[i].outcome == GONE_LOST)
            add_to_groups(scan, groups, changes->gone[i].file, !changes->everything);
    groups_settle(groups);
    number_set_release(&changes->albums);
    changes->albums = groups_take_touched_albums(groups);
    groups_free(&scan->groups);
}

static void take_everything(struct scan *scan)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILES_PRESENT);
    while (database_step(database, get))
        changes_add_file(&scan->changes, sqlite3_column_int64(get, 0));
    sqlite3_reset(get);
    database_run(database, database_use(database, STATEMENT_GROUPS_RESET));
}

void settle(struct scan *scan)
{
    struct changes *changes = &scan->changes;
    struct number_set gone = {0}, adopted = {0};
    for (size_t i = 0; i < changes->gone_count; i++) {
        if (changes->gone[i].is_vanished)
            detach(scan, &changes->gone[i]);
        (void)number_set_add(&gone, (uint64_t)changes->gone[i].file);
    }
    size_t first_settled = changes->files.count;
    settle_files(scan);
    for (size_t i = first_settled; i < changes->files.count; i++)
        (void)number_set_add(&adopted, (uint64_t)changes->files.items[i]);
    for (size_t i = 0; i < changes->gone_count; i++)
        decide_gone(scan, &changes->gone[i]);
    uint32_t keeping_roots = 0;
    for (size_t i = 0; i < scan->environment->root_count; i++)
        if (settle_root(scan, &scan->environment->roots[i]))
            keeping_roots |= UINT32_C(1) << i;
    drop_folders(scan, keeping_roots);
    if (changes->everything)
        take_everything(scan);
    settle_groups(scan, &gone, &adopted);
    number_set_release(&gone);
    number_set_release(&adopted);
}
