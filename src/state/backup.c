// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A backup file, little-endian:
 *
 *    0   8  "sostback"
 *    8   2  major 1        10   2  minor 0        12   4  number of parts
 *   16   8  epoch          24   8  made at, Unix ms
 *   32      parts: 32 bytes of name (NUL-padded), 8 of size, then the bytes
 *  end  32  BLAKE2b-256 of everything before
 *
 * Parts: "state.db" (an SQLite file), "signing.key", "sealing.key"; then "root.pub", "keys.signed",
 * "root.key" (trust/keyfolder.h), "nodes.authority" and "edges" (trust/node_book.h), empty when
 * they were not there.
 */
#include "state/backup.h"

#include "base/mem.h"
#include "base/reader.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "state/database_sqlite.h"
#include "state/state_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 32,
    NAME_BYTES = 32,
    PART_BYTES = NAME_BYTES + 8,
    DIGEST_BYTES = 32,
    NEEDED_PARTS = 3, /* older backups have no others */
    LIST_PART = 4,    /* keys.signed: worthless beside another signing.key */
    LISTED_PARTS = 6, /* of those before there were edges */
    PARTS = 8,
    CHUNK_BYTES = 1 << 16
};
static const char MAGIC[] = "sostback";
static const char *const part_names[PARTS] = {"state.db",        "signing.key", "sealing.key",
                                              "root.pub",        "keys.signed", "root.key",
                                              "nodes.authority", "edges"};
static const char *const part_paths[PARTS] = {
    "state.db",         "keys/signing.key", "keys/sealing.key",     "keys/root.pub",
    "keys/keys.signed", "keys/root.key",    "keys/nodes.authority", "keys/edges"};

PRINTF_LIKE(3, 4) static int fail(struct state_error *ret_error, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_error->words, sizeof ret_error->words, format, args);
    va_end(args);
    return error;
}

/* --- writing --- */

struct writer {
    int fd, error;
    crypto_generichash_state hash;
};

static void put(struct writer *writer, const void *data, size_t size)
{
    if (writer->error)
        return;
    crypto_generichash_update(&writer->hash, data, size);
    writer->error = file_write_all(writer->fd, data, size);
}

static void put_header(struct writer *writer, uint64_t epoch, int64_t now_ms)
{
    struct buffer header;
    buffer_init(&header, HEADER_BYTES);
    buffer_append(&header, MAGIC, sizeof MAGIC - 1);
    buffer_u16(&header, 1);
    buffer_u16(&header, 0);
    buffer_u32(&header, PARTS);
    buffer_u64(&header, epoch);
    buffer_u64(&header, (uint64_t)now_ms);
    put(writer, header.data, header.size);
    buffer_release(&header);
}

static void put_part(struct writer *writer, const char *name, const char *path, bool is_needed)
{
    char padded[NAME_BYTES] = {0}, chunk[CHUNK_BYTES];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && !is_needed)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        writer->error = writer->error ? writer->error : -errno;
        if (fd >= 0)
            close(fd);
        return;
    }
    snprintf(padded, sizeof padded, "%s", name);
    put(writer, padded, sizeof padded);
    uint64_t size = (uint64_t)status.st_size, at = 0;
    put(writer, &size, sizeof size);
    while (at < size && !writer->error) {
        size_t some = size - at < sizeof chunk ? (size_t)(size - at) : sizeof chunk;
        int error = file_read_at(fd, chunk, some, at);
        put(writer, chunk, some);
        writer->error = writer->error ? writer->error : error;
        at += some;
    }
    close(fd);
}

static int write_backup(const char *path, const char *database_copy_path, const char *folder,
                        uint64_t epoch)
{
    uint8_t digest[DIGEST_BYTES];
    char key_path[4096];
    struct writer writer = {
        .fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (writer.fd < 0)
        return -errno;
    crypto_generichash_init(&writer.hash, NULL, 0, DIGEST_BYTES);
    put_header(&writer, epoch, clock_unix_ms());
    put_part(&writer, part_names[0], database_copy_path, true);
    for (int i = 1; i < PARTS; i++) {
        snprintf(key_path, sizeof key_path, "%s/%s", folder, part_paths[i]);
        put_part(&writer, part_names[i], key_path, i < NEEDED_PARTS);
    }
    crypto_generichash_final(&writer.hash, digest, sizeof digest);
    if (!writer.error)
        writer.error = file_write_all(writer.fd, digest, sizeof digest);
    if (!writer.error && fsync(writer.fd) != 0)
        writer.error = -errno;
    close(writer.fd);
    if (writer.error)
        unlink(path);
    return writer.error;
}

/* --- while the server runs: on the apply thread, then told on the loop --- */

struct backup_job {
    struct apply_job job;
    struct state *state;
    char *path;
    state_backup_done *done;
    void *context;
    int error;
    const char *why;
};

static void backup_landed(void *context)
{
    struct backup_job *backup = context;
    struct state *state = backup->state;
    if (backup->done && !state->is_closed)
        backup->done(backup->context, backup->error, backup->why);
    mem_free(backup->path);
    mem_free(backup);
    state_landed(state);
}

static void take_backup(struct apply_job *job, struct database *database, int database_error)
{
    struct backup_job *backup = CONTAINER_OF(job, struct backup_job, job);
    char copy[4096];
    snprintf(copy, sizeof copy, "%s.part", backup->path);
    int result = database_error ? database_error : database_copy(database, copy);
    if (result) {
        backup->error = -EIO;
        backup->why = database_words(result);
    } else {
        backup->error =
            write_backup(backup->path, copy, backup->state->folder, backup->state->epoch);
        backup->why = backup->error ? strerrordesc_np(-backup->error) : NULL;
    }
    unlink(copy);
    loop_post(backup->state->loop, backup_landed, backup);
}

void state_backup(struct state *state, const char *path, state_backup_done *done, void *context)
{
    struct backup_job *backup = MEM_NEW(struct backup_job);
    backup->job.work = take_backup;
    backup->state = state;
    backup->path = mem_strdup(path);
    backup->done = done;
    backup->context = context;
    state->in_flight++;
    if (access(path, F_OK) == 0) {
        backup->error = -EEXIST;
        backup->why = "there is a file of this name already";
        loop_post(state->loop, backup_landed, backup);
        return;
    }
    apply_run(state->apply, &backup->job);
}

/* --- reading --- */

struct parts {
    struct file_map map;
    uint64_t epoch;
    struct text bytes[PARTS];
};

static bool digest_holds(struct text whole)
{
    uint8_t digest[DIGEST_BYTES];
    size_t size = whole.size - DIGEST_BYTES;
    crypto_generichash(digest, sizeof digest, (const uint8_t *)whole.data, size, NULL, 0);
    return memcmp(digest, whole.data + size, sizeof digest) == 0;
}

static const char *read_parts(struct parts *parts)
{
    struct text whole = parts->map.bytes;
    if (whole.size < HEADER_BYTES + DIGEST_BYTES || !text_starts(whole, text_of(MAGIC)))
        return "is not a backup of sostenuto";
    struct reader reader = reader_of(text_make(whole.data, whole.size - DIGEST_BYTES));
    (void)reader_bytes(&reader, sizeof MAGIC - 1);
    if (reader_le(&reader, 2) != 1)
        return "was made by a newer sostenuto: use that one";
    if (!digest_holds(whole))
        return "is cut short or altered: its checksum is wrong";
    (void)reader_le(&reader, 2);
    uint32_t count = reader_u32(&reader);
    bool has_all = count == PARTS || count == LISTED_PARTS || count == NEEDED_PARTS;
    parts->epoch = reader_u64(&reader);
    (void)reader_u64(&reader);
    for (uint32_t i = 0; i < count && has_all; i++) {
        char name[NAME_BYTES] = {0};
        struct text padded = reader_bytes(&reader, NAME_BYTES);
        if (padded.size)
            memcpy(name, padded.data, sizeof name);
        has_all = strncmp(name, part_names[i], sizeof name) == 0;
        parts->bytes[i] = reader_bytes(&reader, (size_t)reader_u64(&reader));
    }
    return has_all && !reader.failed && reader.left == 0
               ? NULL
               : "does not hold the parts of this version";
}

static int open_parts(const char *path, struct parts *parts, struct state_error *ret_error)
{
    int error = file_map_open(&parts->map, AT_FDCWD, path);
    if (error)
        return fail(ret_error, error, "%s cannot be read: %s", path, strerror(-error));
    const char *why = read_parts(parts);
    if (!why)
        return 0;
    file_map_close(&parts->map);
    return fail(ret_error, -EBADMSG, "%s %s", path, why);
}

int state_backup_verify(const char *path, struct state_error *ret_error)
{
    struct parts parts;
    int error = open_parts(path, &parts, ret_error);
    if (!error)
        file_map_close(&parts.map);
    return error;
}

/* --- restoring: everything new lies beside before anything old is moved --- */

static bool ignore_cell(void *context UNUSED, const struct cell_name *name UNUSED,
                        const struct cell *cell UNUSED)
{
    return true;
}
static bool ignore_count(void *context UNUSED, struct uid account UNUSED,
                         struct subject subject UNUSED, struct plays plays UNUSED)
{
    return true;
}
static bool ignore_numbers(void *context UNUSED, struct uid device UNUSED, uint64_t a UNUSED,
                           uint64_t b UNUSED)
{
    return true;
}
static bool ignore_kept(void *context UNUSED, struct text operation UNUSED) { return true; }

/* Reads the database through, so that a damaged one is found before it replaces anything. */
static int read_mark(const char *path, struct database_mark *ret_mark, struct database **ret,
                     struct state_error *ret_error)
{
    struct database_sink sink = {ignore_cell,    ignore_count, ignore_numbers,
                                 ignore_numbers, ignore_kept,  NULL};
    int error = database_open(path, ret, ret_error);
    if (!error)
        error = database_load(*ret, &sink, ret_mark, ret_error);
    return error;
}

static uint64_t epoch_there(const char *folder)
{
    char path[4096];
    struct database *database = NULL;
    struct database_mark mark = {0};
    struct state_error ignored;
    snprintf(path, sizeof path, "%s/state.db", folder);
    if (access(path, F_OK) == 0 && read_mark(path, &mark, &database, &ignored) != 0)
        mark.epoch = 0; /* damaged: perhaps why somebody restores */
    database_close(&database);
    return mark.epoch;
}

/* The new database gets its epoch, and no mark: whatever journal follows begins from nothing. */
static int prepare_database(const char *path, uint64_t epoch_before, struct state_error *ret_error)
{
    struct database *database = NULL;
    struct database_mark mark = {0};
    int error = read_mark(path, &mark, &database, ret_error);
    if (!error) {
        mark.epoch = (mark.epoch > epoch_before ? mark.epoch : epoch_before) + 1;
        mark.journal = (struct uid){{0}};
        mark.lsn = 0;
        int result = database_set_mark(database, &mark);
        error = result ? fail(ret_error, -EIO, "%s %s", path, database_words(result)) : 0;
    }
    database_close(&database);
    return error;
}

static int write_beside(int folder_fd, const struct parts *parts, struct state_error *ret_error)
{
    char path[64];
    int error = file_make_dirs(folder_fd, "keys", 0700);
    for (int i = 0; i < PARTS && !error; i++) {
        snprintf(path, sizeof path, "%s.restored", part_paths[i]);
        if (i < NEEDED_PARTS || parts->bytes[i].size)
            error = file_write_atomic(folder_fd, path, parts->bytes[i], 0600);
    }
    return error ? fail(ret_error, error, "the backup cannot be unpacked: %s", strerror(-error))
                 : 0;
}

static bool is_there(int folder_fd, const char *name)
{
    return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move_aside(int from_fd, int to_fd, const char *name)
{
    return renameat(from_fd, name, to_fd, name) != 0 && errno != ENOENT ? -errno : 0;
}

/* It stays here, too, until the restored one takes its name: a crash leaves either. */
static int copy_aside(int from_fd, int to_fd, const char *name)
{
    if (linkat(from_fd, name, to_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    char restored[64];
    snprintf(restored, sizeof restored, "%s.restored", name);
    return is_there(from_fd, restored) ? move_aside(from_fd, to_fd, name) : 0; /* no links here */
}

/* What is there becomes a state folder of its own, whole: nobody else may have heard of what is in
 * it.  *ret_aside is its name: another when an earlier restore left one. */
static int set_aside(int folder_fd, char ret_aside[STATE_ASIDE_BYTES])
{
    static const char *const moved[] = {"state.db-wal", "state.db-shm", "journal"};
    ret_aside[0] = '\0';
    if (!is_there(folder_fd, "state.db") && !is_there(folder_fd, "journal"))
        return 0;
    snprintf(ret_aside, STATE_ASIDE_BYTES, "before-restore");
    if (is_there(folder_fd, ret_aside))
        snprintf(ret_aside, STATE_ASIDE_BYTES, "before-restore.%lld", (long long)clock_unix_ms());
    int error = file_make_dirs(folder_fd, ret_aside, 0700);
    int aside_fd = error ? error : openat(folder_fd, ret_aside, O_DIRECTORY | O_CLOEXEC);
    if (aside_fd < 0)
        return error ? error : -errno;
    error = file_make_dirs(aside_fd, "keys", 0700);
    for (int i = 0; i < PARTS && !error; i++)
        error = copy_aside(folder_fd, aside_fd, part_paths[i]);
    for (size_t i = 0; i < ARRAY_SIZE(moved) && !error; i++)
        error = move_aside(folder_fd, aside_fd, moved[i]);
    if (!error && fsync(aside_fd) != 0)
        error = -errno;
    close(aside_fd);
    return error;
}

/* A part that the backup did not have stays as it is here. */
static int swap_part(int folder_fd, int i)
{
    char from[64];
    snprintf(from, sizeof from, "%s.restored", part_paths[i]);
    bool is_given = is_there(folder_fd, from);
    if (i < NEEDED_PARTS || is_given)
        return renameat(folder_fd, from, folder_fd, part_paths[i]) ? -errno : 0;
    if (i == LIST_PART)
        unlinkat(folder_fd, part_paths[i], 0);
    return 0;
}

static int swap_in(int folder_fd, char ret_aside[STATE_ASIDE_BYTES], struct state_error *ret_error)
{
    int error = set_aside(folder_fd, ret_aside);
    for (int i = PARTS;
         i-- > 0 && !error;) { /* keys first: a database without its keys opens no secret */
        error = swap_part(folder_fd, i);
    }
    if (!error && fsync(folder_fd) != 0)
        error = -errno;
    return error ? fail(ret_error, error, "the restored files cannot be put in place: %s",
                        strerror(-error))
                 : 0;
}

int state_restore(const char *path, const char *folder, char ret_aside[STATE_ASIDE_BYTES],
                  struct state_error *ret_error)
{
    struct parts parts;
    char database_path[4096];
    int error = open_parts(path, &parts, ret_error);
    if (error)
        return error;
    int folder_fd = file_open_dir(AT_FDCWD, folder);
    if (folder_fd < 0) {
        file_map_close(&parts.map);
        return fail(ret_error, folder_fd, "%s cannot be opened: %s", folder, strerror(-folder_fd));
    }
    error = write_beside(folder_fd, &parts, ret_error);
    file_map_close(&parts.map);
    snprintf(database_path, sizeof database_path, "%s/state.db.restored", folder);
    if (!error)
        error = prepare_database(database_path, epoch_there(folder), ret_error);
    if (!error)
        error = swap_in(folder_fd, ret_aside, ret_error);
    close(folder_fd);
    return error;
}

int state_raise_epoch(const char *folder, uint64_t at_least, uint64_t *ret_epoch,
                      struct state_error *ret_error)
{
    char path[4096];
    struct database *database = NULL;
    struct database_mark mark = {0};
    snprintf(path, sizeof path, "%s/state.db", folder);
    int error = read_mark(path, &mark, &database, ret_error);
    if (!error) {
        mark.epoch = mark.epoch + 1 > at_least ? mark.epoch + 1 : at_least;
        int result = database_set_mark(database, &mark);
        error = result ? fail(ret_error, -EIO, "%s %s", path, database_words(result)) : 0;
    }
    database_close(&database);
    if (!error)
        *ret_epoch = mark.epoch;
    return error;
}
