// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * scan_folder: one folder's names, in byte order, against the rows of library.db, in the same
 * order.
 *
 *   in both        stat: unchanged (nothing to do), or read again
 *   name only      a known file under a new name (hard link, rename), or read
 *   row only       gone, as far as this folder is concerned
 */
#include "base/mem.h"
#include "library/key.h"
#include "library/scan.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct picture_row {
    struct text name;
    int64_t size, mtime_ns;
};

struct known_file {
    int64_t id, dev, ino, size, mtime_ns;
    struct text name;
    bool is_good, has_sidecar, has_reason;
};

struct folder {
    struct scan *scan;
    const struct scan_pending *pending;
    struct database *database;
    struct arena *arena;
    int fd;
    int64_t row;
    bool is_new, has_reason;
    struct picture_row cover, artist;
    struct walk_listing listing;
    bool has_lyrics;
    struct known_file *known;
    size_t known_count;
};

static bool read_picture(struct arena *arena, sqlite3_stmt *get, int at, struct picture_row *ret)
{
    *ret = (struct picture_row){.size = sqlite3_column_int64(get, at + 1),
                                .mtime_ns = sqlite3_column_int64(get, at + 2)};
    struct text name = column_bytes(get, at);
    if (name.size)
        ret->name = arena_text(arena, name);
    return name.size != 0;
}

static bool find_row(struct folder *folder)
{
    struct text path = text_of(folder->pending->path);
    sqlite3_stmt *get = database_use(folder->database, STATEMENT_FOLDER_FIND);
    bind_i64(get, 1, folder->pending->root->id);
    bind_bytes(get, 2, path.data, path.size);
    bool is_found = database_step(folder->database, get);
    if (is_found) {
        folder->row = sqlite3_column_int64(get, 0);
        read_picture(folder->arena, get, 1, &folder->cover);
        read_picture(folder->arena, get, 5, &folder->artist);
        folder->has_reason = sqlite3_column_type(get, 9) != SQLITE_NULL;
    }
    sqlite3_reset(get);
    return is_found;
}

static void insert_row(struct folder *folder)
{
    struct text path = text_of(folder->pending->path);
    sqlite3_stmt *insert = database_use(folder->database, STATEMENT_FOLDER_INSERT);
    bind_i64(insert, 1, folder->pending->root->id);
    bind_bytes(insert, 2, path.data, path.size);
    if (folder->pending->parent)
        bind_i64(insert, 3, folder->pending->parent);
    else
        bind_null(insert, 3);
    folder->row = database_run(folder->database, insert);
    folder->is_new = true;
}

static void set_reason(struct folder *folder, const char *reason)
{
    sqlite3_stmt *set = database_use(folder->database, STATEMENT_FOLDER_SET_REASON);
    bind_i64(set, 1, folder->row);
    if (reason)
        sqlite3_bind_text(set, 2, reason, -1, SQLITE_STATIC);
    else
        bind_null(set, 2);
    database_run(folder->database, set);
}

static const char *reason_of(int error)
{
    if (error == -EXDEV)
        return "a link that leads out of the library; allow its place (allowed_places) to follow "
               "it";
    if (error == -E2BIG)
        return "holds more names than a folder may have";
    return strerrordesc_np(-error);
}

/* It may be back tomorrow: what is known of it and what lies beneath stays. */
static void keep_unread(struct folder *folder, int error)
{
    if (!folder->row && !find_row(folder))
        insert_row(folder);
    set_reason(folder, reason_of(error));
    (void)number_set_add(&folder->scan->kept, (uint64_t)folder->row);
    (void)number_set_add(&folder->scan->visited, (uint64_t)folder->row);
}

static void read_known(struct folder *folder)
{
    sqlite3_stmt *get = database_use(folder->database, STATEMENT_FILES_OF_FOLDER);
    bind_i64(get, 1, folder->row);
    size_t capacity = 0;
    while (!folder->is_new && database_step(folder->database, get)) {
        if (folder->known_count == capacity) {
            size_t wider = capacity ? capacity * 2 : 32;
            struct known_file *more = arena_alloc(folder->arena, wider * sizeof *more);
            if (!more)
                break;
            bytes_copy(more, folder->known, capacity * sizeof *more);
            folder->known = more;
            capacity = wider;
        }
        folder->known[folder->known_count++] = (struct known_file){
            .id = sqlite3_column_int64(get, 0),
            .name = arena_text(folder->arena, column_bytes(get, 1)),
            .dev = sqlite3_column_int64(get, 2),
            .ino = sqlite3_column_int64(get, 3),
            .size = sqlite3_column_int64(get, 4),
            .mtime_ns = sqlite3_column_int64(get, 5),
            .is_good = sqlite3_column_int(get, 6) != 0,
            .has_sidecar = sqlite3_column_int(get, 7) != 0,
            .has_reason = sqlite3_column_int(get, 8) != 0,
        };
    }
    sqlite3_reset(get);
}

/* --- files --- */

static const struct walk_entry *find_entry(const struct folder *folder, struct text name)
{
    size_t low = 0, high = folder->listing.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(folder->listing.entries[middle].name, name);
        if (order == 0)
            return &folder->listing.entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool has_sidecar(const struct folder *folder, struct text name)
{
    if (!folder->has_lyrics)
        return false;
    struct text stem = filename_stem(name);
    char path[NAME_MAX + 8];
    if (stem.size > NAME_MAX)
        return false;
    static const char *const suffixes[] = {".lrc", ".txt", ".LRC", ".TXT"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        int size = snprintf(path, sizeof path, "%.*s%s", TEXT_ARGS(stem), suffixes[i]);
        if (find_entry(folder, text_make(path, (size_t)size)))
            return true;
    }
    return false;
}

static bool is_unchanged(const struct known_file *known, const struct stat *status)
{
    return known->ino == (int64_t)status->st_ino && known->size == (int64_t)status->st_size &&
           known->mtime_ns == probe_mtime_ns(status);
}

static void note_unchanged(struct folder *folder, const struct known_file *known,
                           const struct probe_file *file)
{
    bool is_moved = known->dev != (int64_t)file->status.st_dev; /* mounted anew */
    if (!known->is_good ||
        (!is_moved && known->has_sidecar == file->has_sidecar && !known->has_reason))
        return;
    sqlite3_stmt *set = database_use(folder->database, STATEMENT_FILE_SET_PLACE);
    bind_i64(set, 1, known->id);
    bind_i64(set, 2, (int64_t)file->status.st_dev);
    bind_i64(set, 3, (int64_t)file->status.st_ino);
    bind_i64(set, 4, file->has_sidecar);
    database_run(folder->database, set);
    if (known->has_sidecar != file->has_sidecar)
        changes_add_file(&folder->scan->changes, known->id);
}

static int open_entry(const struct folder *folder, const struct walk_entry *entry)
{
    if (!entry->is_link) {
        int fd = openat(folder->fd, entry->name.data,
                        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
    }
    char *path;
    const char *above = folder->pending->path;
    if (asprintf(&path, "%s%s%s", above, *above ? "/" : "", entry->name.data) < 0)
        return -ENOMEM;
    int fd =
        walk_open(folder->pending->root->fd, path, O_RDONLY, folder->scan->environment->places);
    mem_free(path);
    return fd;
}

static void read_entry(struct folder *folder, const struct walk_entry *entry,
                       struct probe_file *file)
{
    if (!file->known && folder->pending->root->before && probe_twin(folder->scan, file))
        return;
    int fd = open_entry(folder, entry);
    if (fd < 0 || fstat(fd, &file->status) < 0) {
        int error = fd < 0 ? fd : -errno;
        probe_failed(folder->scan, file, reason_of(error),
                     error == -EXDEV ? PROBE_OUTSIDE : PROBE_PASSING);
    } else if (!S_ISREG(file->status.st_mode)) {
        probe_failed(folder->scan, file, "not a regular file", PROBE_LASTING);
    } else {
        probe_submit(folder->scan, file, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
}

/* A link is asked each time, even to a file that is known: what it leads to may have moved out, and
 * places that were allowed may no longer be. */
static bool leads_out(const struct folder *folder, const struct walk_entry *entry)
{
    if (!entry->is_link)
        return false;
    int fd = open_entry(folder, entry);
    if (fd >= 0)
        close(fd);
    return fd == -EXDEV;
}

static void look_at(struct folder *folder, const struct walk_entry *entry,
                    const struct known_file *known)
{
    struct scan *scan = folder->scan;
    struct probe_file file = {.folder = folder->row,
                              .root = folder->pending->root->id,
                              .known = known ? known->id : 0,
                              .is_known_good = known && known->is_good,
                              .has_sidecar = has_sidecar(folder, entry->name),
                              .name = entry->name,
                              .folder_path = text_of(folder->pending->path)};
    atomic_fetch_add_explicit(&scan->environment->progress->seen, 1, memory_order_relaxed);
    if (fstatat(folder->fd, entry->name.data, &file.status, 0) < 0) {
        file.status = (struct stat){0};
        probe_failed(scan, &file,
                     errno == ENOENT ? "a link that leads nowhere" : strerrordesc_np(errno),
                     PROBE_PASSING);
        return;
    }
    if (leads_out(folder, entry)) {
        probe_failed(scan, &file, reason_of(-EXDEV), PROBE_OUTSIDE);
        return;
    }
    file.is_restated = !known || !is_unchanged(known, &file.status);
    if (!file.is_restated && !scan->request.full) {
        note_unchanged(folder, known, &file);
        return;
    }
    file.is_restated = file.is_restated || known->has_sidecar != file.has_sidecar;
    read_entry(folder, entry, &file);
}

static void file_gone(struct folder *folder, const struct known_file *known)
{
    if (known->is_good) {
        changes_add_gone(&folder->scan->changes,
                         &(struct gone_file){.file = known->id,
                                             .folder = folder->row,
                                             .root = folder->pending->root->id,
                                             .is_vanished = true});
        return;
    }
    sqlite3_stmt *delete = database_use(folder->database, STATEMENT_FILE_DELETE);
    bind_i64(delete, 1, known->id);
    database_run(folder->database, delete);
}

static bool is_audio(const struct walk_entry *entry)
{
    return entry->kind == FILENAME_AUDIO && !entry->is_folder;
}

static void merge(struct folder *folder)
{
    size_t k = 0;
    for (size_t i = 0; i < folder->listing.count; i++) {
        const struct walk_entry *entry = &folder->listing.entries[i];
        if (!is_audio(entry))
            continue;
        int order = 1;
        while (k < folder->known_count &&
               (order = text_compare(folder->known[k].name, entry->name)) < 0)
            file_gone(folder, &folder->known[k++]);
        bool is_known = k < folder->known_count && order == 0;
        look_at(folder, entry, is_known ? &folder->known[k++] : NULL);
        if (atomic_load(folder->scan->environment->is_cancelled))
            return;
    }
    while (k < folder->known_count)
        file_gone(folder, &folder->known[k++]);
}

/* --- pictures --- */

static const struct walk_entry *best_cover(const struct folder *folder)
{
    const struct walk_entry *best = NULL;
    size_t best_rank = SIZE_MAX;
    for (size_t i = 0; i < folder->listing.count; i++) {
        const struct walk_entry *entry = &folder->listing.entries[i];
        size_t rank = entry->kind == FILENAME_COVER && !entry->is_folder
                          ? filename_cover_rank(entry->name)
                          : SIZE_MAX;
        if (rank < best_rank) {
            best = entry;
            best_rank = rank;
        }
    }
    return best;
}

static const struct walk_entry *artist_image(const struct folder *folder)
{
    for (size_t i = 0; i < folder->listing.count; i++)
        if (folder->listing.entries[i].kind == FILENAME_ARTIST_IMAGE &&
            !folder->listing.entries[i].is_folder)
            return &folder->listing.entries[i];
    return NULL;
}

static void write_picture(struct folder *folder, enum statement statement,
                          const struct walk_entry *entry, const struct stat *status,
                          const uint8_t digest[16])
{
    sqlite3_stmt *set = database_use(folder->database, statement);
    bind_i64(set, 1, folder->row);
    if (entry) {
        bind_bytes(set, 2, entry->name.data, entry->name.size);
        bind_i64(set, 3, (int64_t)status->st_size);
        bind_i64(set, 4, probe_mtime_ns(status));
        bind_bytes(set, 5, digest, 16);
    } else {
        for (int at = 2; at <= 5; at++)
            bind_null(set, at);
    }
    database_run(folder->database, set);
    (void)number_set_add(&folder->scan->changes.pictures, (uint64_t)folder->row);
}

static void look_at_picture(struct folder *folder, const struct walk_entry *entry,
                            const struct picture_row *known, enum statement statement)
{
    struct stat status = {0};
    if (entry &&
        (fstatat(folder->fd, entry->name.data, &status, 0) < 0 || !S_ISREG(status.st_mode)))
        entry = NULL;
    if (!entry) {
        if (known->name.size)
            write_picture(folder, statement, NULL, NULL, NULL);
        return;
    }
    if (text_equal(known->name, entry->name) && known->size == (int64_t)status.st_size &&
        known->mtime_ns == probe_mtime_ns(&status))
        return;
    int fd = open_entry(folder, entry);
    uint8_t digest[MEDIA_ID_BYTES];
    uint64_t size_bytes;
    if (fd >= 0 && media_picture_digest_file(fd, digest, &size_bytes) == 0)
        write_picture(folder, statement, entry, &status, digest);
    if (fd >= 0)
        close(fd);
}

/* --- folders within --- */

static bool is_known_folder(struct folder *folder, const char *path)
{
    sqlite3_stmt *get = database_use(folder->database, STATEMENT_FOLDER_FIND);
    bind_i64(get, 1, folder->pending->root->id);
    bind_bytes(get, 2, path, strlen(path));
    bool is_known = database_step(folder->database, get);
    sqlite3_reset(get);
    return is_known;
}

static void push_folders(struct folder *folder)
{
    const char *above = folder->pending->path;
    for (size_t i = folder->listing.count; i-- > 0;) { /* a stack: the first name comes out first */
        const struct walk_entry *entry = &folder->listing.entries[i];
        if (!entry->is_folder)
            continue;
        struct text path =
            arena_printf(folder->arena, "%s%s%s", above, *above ? "/" : "", entry->name.data);
        if (!path.data || (folder->pending->is_shallow && is_known_folder(folder, path.data)))
            continue;
        scan_push(folder->scan, folder->pending->root, path.data, folder->row, entry->is_link);
    }
}

/* When only this folder is looked at, nobody else notices that one within it is gone. */
static void find_gone_folders(struct folder *folder)
{
    sqlite3_stmt *get = database_use(folder->database, STATEMENT_FOLDERS_WITHIN);
    bind_i64(get, 1, folder->row);
    while (database_step(folder->database, get)) {
        struct text path = column_bytes(get, 1);
        size_t last = path.size;
        while (last > 0 && path.data[last - 1] != '/')
            last--;
        const struct walk_entry *entry = find_entry(folder, text_from(path, last));
        if (!entry || !entry->is_folder)
            number_list_add(&folder->scan->changes.gone_folders, sqlite3_column_int64(get, 0));
    }
    sqlite3_reset(get);
}

static void enter(struct folder *folder)
{
    struct scan *scan = folder->scan;
    int error = walk_list(folder->fd, folder->arena, &folder->listing);
    if (error) {
        keep_unread(folder, error);
        return;
    }
    if (!find_row(folder))
        insert_row(folder);
    else if (folder->has_reason)
        set_reason(folder, NULL);
    (void)number_set_add(&scan->visited, (uint64_t)folder->row);
    for (size_t i = 0; i < folder->listing.count && !folder->has_lyrics; i++)
        folder->has_lyrics = folder->listing.entries[i].kind == FILENAME_LYRICS;
    read_known(folder);
    look_at_picture(folder, best_cover(folder), &folder->cover, STATEMENT_FOLDER_SET_COVER);
    look_at_picture(folder, artist_image(folder), &folder->artist, STATEMENT_FOLDER_SET_ARTIST);
    merge(folder);
    push_folders(folder);
    if (scan->request.targets)
        find_gone_folders(folder);
}

void scan_folder(struct scan *scan, const struct scan_pending *pending)
{
    const struct scan_environment *environment = scan->environment;
    arena_reset(scan->scratch);
    struct folder folder = {.scan = scan,
                            .pending = pending,
                            .database = environment->database,
                            .arena = scan->scratch};
    folder.fd =
        walk_open(pending->root->fd, pending->path, O_RDONLY | O_DIRECTORY, environment->places);
    struct stat status;
    if (folder.fd < 0 || fstat(folder.fd, &status) < 0) {
        int error = folder.fd < 0 ? folder.fd : -errno;
        if (error != -ENOENT && error != -ENOTDIR)
            keep_unread(&folder, error);
    } else if (number_set_add(&scan->entered,
                              (uint64_t)status.st_dev * UINT64_C(0x9e3779b97f4a7c15) ^
                                  (uint64_t)status.st_ino)) {
        if (environment->on_folder)
            environment->on_folder(environment->context, pending->root->id, pending->path,
                                   folder.fd);
        enter(&folder);
    }
    if (folder.fd >= 0)
        close(folder.fd);
}
