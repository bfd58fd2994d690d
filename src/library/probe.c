// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * probe: what a worker said about a file becomes its row.
 *
 * A file that keeps its audio id keeps its row (a retag); one with other audio under the same name
 * is another track: the old row is detached and settle.c sees whether it turns up elsewhere.
 */
#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "library/key.h"
#include "library/scan.h"
#include <string.h>
#include <unistd.h>

enum { COMMIT_EVERY = 4096 }; /* rows: what a crash may make us read again */

struct probe {
    struct probe_file file;
    char texts[]; /* name and folder's path */
};

int64_t probe_mtime_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

void probe_submit(struct scan *scan, const struct probe_file *file, int fd)
{
    struct text name = file->name, path = file->folder_path;
    struct probe *probe = mem_alloc(sizeof *probe + name.size + path.size);
    probe->file = *file;
    bytes_copy(probe->texts, name.data, name.size);
    bytes_copy(probe->texts + name.size, path.data, path.size);
    probe->file.name.data = probe->texts;
    probe->file.folder_path.data = probe->texts + name.size;
    media_batch_add(scan->batch, fd, probe);
}

void probe_commit_sometimes(struct scan *scan)
{
    if (++scan->uncommitted < COMMIT_EVERY || scan->error)
        return;
    scan->uncommitted = 0;
    struct database *database = scan->environment->database;
    database_set_meta(database, "unpublished", 1);
    scan->error = database_commit(database);
    database_begin(database);
}

/* dev, ino, size, mtime from parameter `at` on */
static void bind_stat(sqlite3_stmt *statement, int at, const struct stat *status)
{
    bind_i64(statement, at, (int64_t)status->st_dev);
    bind_i64(statement, at + 1, (int64_t)status->st_ino);
    bind_i64(statement, at + 2, (int64_t)status->st_size);
    bind_i64(statement, at + 3, probe_mtime_ns(status));
}

static void detach(struct scan *scan, const struct probe_file *file)
{
    struct database *database = scan->environment->database;
    struct gone_file gone = {.file = file->known, .folder = file->folder, .root = file->root};
    sqlite3_stmt *get = database_use(database, STATEMENT_FILE_IDENTITY);
    bind_i64(get, 1, file->known);
    if (database_step(database, get))
        column_id(get, 1, gone.track.bytes);
    sqlite3_reset(get);
    if (catalog_id_is_none(&gone.track)) { /* never settled: nobody knows it */
        sqlite3_stmt *delete = database_use(database, STATEMENT_FILE_DELETE);
        bind_i64(delete, 1, file->known);
        database_run(database, delete);
        return;
    }
    sqlite3_stmt *set = database_use(database, STATEMENT_FILE_DETACH);
    bind_i64(set, 1, file->known);
    bind_i64(set, 2, scan->now_ms);
    database_run(database, set);
    changes_add_gone(&scan->changes, &gone);
}

static void insert_problem(struct scan *scan, const struct probe_file *file, const char *reason)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *insert = database_use(database, STATEMENT_FILE_INSERT_PROBLEM);
    bind_i64(insert, 1, file->folder);
    bind_bytes(insert, 2, file->name.data, file->name.size);
    bind_stat(insert, 3, &file->status);
    sqlite3_bind_text(insert, 7, reason, -1, SQLITE_STATIC);
    database_run(database, insert);
}

static void set_reason(struct scan *scan, const struct probe_file *file, const char *reason)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *set = database_use(database, STATEMENT_FILE_SET_REASON);
    bind_i64(set, 1, file->known);
    bind_stat(set, 2, &file->status);
    sqlite3_bind_text(set, 6, reason, -1, SQLITE_STATIC);
    database_run(database, set);
}

/* The old stat stays: should it differ, the next scan reads again. */
static void note_trouble(struct scan *scan, const struct probe_file *file, const char *reason)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *set = database_use(database, STATEMENT_FILE_NOTE);
    bind_i64(set, 1, file->known);
    sqlite3_bind_text(set, 2, reason, -1, SQLITE_STATIC);
    database_run(database, set);
}

void probe_failed(struct scan *scan, const struct probe_file *file, const char *reason,
                  enum probe_trouble trouble)
{
    struct probe_file failed = *file;
    if (trouble != PROBE_LASTING)
        failed.status.st_mtim = (struct timespec){0}; /* like no file's: read again */
    atomic_fetch_add(&scan->environment->progress->failed, 1);
    if (failed.known && failed.is_known_good && trouble != PROBE_PASSING) {
        detach(scan, &failed);
        failed.known = 0;
    }
    if (failed.known && failed.is_known_good)
        note_trouble(scan, &failed, reason);
    else if (failed.known)
        set_reason(scan, &failed, reason);
    else
        insert_problem(scan, &failed, reason);
    probe_commit_sometimes(scan);
}

static void bind_art(sqlite3_stmt *statement, int at, const uint8_t digest[16])
{
    static const uint8_t none[16];
    if (memcmp(digest, none, sizeof none) == 0)
        bind_null(statement, at);
    else
        bind_bytes(statement, at, digest, sizeof none);
}

static bool track_exists(struct database *database, const uint8_t id[16])
{
    sqlite3_stmt *get = database_use(database, STATEMENT_TRACK_EXISTS);
    bind_bytes(get, 1, id, 16);
    bool exists = database_step(database, get);
    sqlite3_reset(get);
    return exists;
}

struct heard {
    uint8_t audio_id[16], art[16];
    struct text info;                /* encoded */
    const struct media_info *parsed; /* NULL when only the encoded form is at hand */
};

/* While the workers are busy with the next files; settle.c would have to read it all again. */
static void group_new_file(struct scan *scan, const struct probe_file *file, int64_t row,
                           const struct media_info *info)
{
    struct credit credits[GROUPING_MAX_CREDITS];
    struct album_key album;
    grouping_album(info, file->root, file->folder_path, &album);
    struct groups_file change = {.file = row,
                                 .album = &album,
                                 .album_name = media_info_tag(info, MEDIA_TAG_ALBUM, 0),
                                 .credits = credits,
                                 .credit_count = grouping_credits(info, credits)};
    if (!scan->groups)
        scan->groups = groups_new(scan->environment->database, scan->now_ms);
    groups_add(scan->groups, &change);
    (void)number_set_add(&scan->changes.grouped, (uint64_t)row);
}

/* Audio never heard before is a new track at once; the rest waits for settle.c. */
static void insert_file(struct scan *scan, const struct probe_file *file, const struct heard *heard)
{
    struct database *database = scan->environment->database;
    bool is_new = !track_exists(database, heard->audio_id);
    sqlite3_stmt *insert = database_use(database, STATEMENT_FILE_INSERT);
    bind_i64(insert, 1, file->folder);
    bind_bytes(insert, 2, file->name.data, file->name.size);
    bind_stat(insert, 3, &file->status);
    bind_i64(insert, 7, file->has_sidecar);
    bind_bytes(insert, 8, heard->audio_id, 16);
    if (is_new) {
        bind_i64(insert, 9, 0);
        bind_bytes(insert, 10, heard->audio_id, 16); /* id_of_track(…, 0) */
    } else {
        bind_null(insert, 9);
        bind_null(insert, 10);
    }
    bind_i64(insert, 11, scan->now_ms);
    bind_art(insert, 12, heard->art);
    bind_bytes(insert, 13, heard->info.data, heard->info.size);
    int64_t row = database_run(database, insert);
    if (!is_new)
        scan->changes.has_unsettled = true;
    if (!is_new || !row)
        return;
    changes_add_file(&scan->changes, row);
    if (heard->parsed)
        group_new_file(scan, file, row, heard->parsed);
}

static void update_file(struct scan *scan, const struct probe_file *file, const struct heard *heard,
                        bool is_settled, bool is_same)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *update = database_use(database, STATEMENT_FILE_REPROBED);
    bind_i64(update, 1, file->known);
    bind_stat(update, 2, &file->status);
    bind_i64(update, 6, file->has_sidecar);
    bind_art(update, 7, heard->art);
    bind_bytes(update, 8, heard->info.data, heard->info.size);
    database_run(database, update);
    if (is_settled && !is_same)
        changes_add_file(&scan->changes, file->known);
}

/* Size and date are published, too: a file whose stat changed is published whatever its tags say.
 */
static void keep(struct scan *scan, struct probe_file *file, const struct heard *heard)
{
    struct database *database = scan->environment->database;
    if (file->known && file->is_known_good) {
        uint8_t audio_id[16], track_id[16];
        sqlite3_stmt *get = database_use(database, STATEMENT_FILE_IDENTITY);
        bind_i64(get, 1, file->known);
        bool is_found = database_step(database, get);
        column_id(get, 0, audio_id);
        column_id(get, 1, track_id);
        bool is_settled = is_found && column_bytes(get, 1).size == 16;
        bool is_same =
            is_found && !file->is_restated && text_equal(column_bytes(get, 2), heard->info);
        sqlite3_reset(get);
        if (is_found && memcmp(audio_id, heard->audio_id, sizeof audio_id) == 0) {
            update_file(scan, file, heard, is_settled, is_same);
            return;
        }
        detach(scan, file);
    } else if (file->known) {
        sqlite3_stmt *delete = database_use(database, STATEMENT_FILE_DELETE);
        bind_i64(delete, 1, file->known);
        database_run(database, delete);
    }
    file->known = 0;
    insert_file(scan, file, heard);
}

void probe_done(void *context, void *token, enum media_outcome outcome, struct media_info *info)
{
    struct scan *scan = context;
    struct probe *probe = token;
    if (outcome == MEDIA_OK) {
        struct heard heard = {.parsed = info};
        memcpy(heard.audio_id, info->audio_id, sizeof heard.audio_id);
        memcpy(heard.art, info->picture.digest, sizeof heard.art);
        buffer_reset(&scan->encoded);
        media_info_encode(info, &scan->encoded);
        heard.info = buffer_view(&scan->encoded);
        keep(scan, &probe->file, &heard);
        atomic_fetch_add(&scan->environment->progress->changed, 1);
        probe_commit_sometimes(scan);
        media_info_release(info);
    } else {
        bool is_passing =
            outcome == MEDIA_BUSY || outcome == MEDIA_NO_WORKER || outcome == MEDIA_UNREADABLE;
        probe_failed(scan, &probe->file, media_outcome_sentence(outcome),
                     is_passing ? PROBE_PASSING : PROBE_LASTING);
    }
    mem_free(probe);
}

bool probe_twin(struct scan *scan, const struct probe_file *file)
{
    struct database *database = scan->environment->database;
    sqlite3_stmt *get = database_use(database, STATEMENT_FILE_TWIN);
    bind_i64(get, 1, (int64_t)file->status.st_ino);
    bind_i64(get, 2, (int64_t)file->status.st_dev);
    bind_i64(get, 3, (int64_t)file->status.st_size);
    bind_i64(get, 4, probe_mtime_ns(&file->status));
    if (!database_step(database, get)) {
        sqlite3_reset(get);
        return false;
    }
    struct heard heard = {.parsed = NULL};
    column_id(get, 0, heard.audio_id);
    column_id(get, 1, heard.art);
    buffer_reset(&scan->encoded);
    buffer_text(&scan->encoded, column_bytes(get, 2));
    heard.info = buffer_view(&scan->encoded);
    sqlite3_reset(get);
    struct probe_file copy = *file;
    keep(scan, &copy, &heard);
    atomic_fetch_add(&scan->environment->progress->changed, 1);
    probe_commit_sometimes(scan);
    return true;
}
