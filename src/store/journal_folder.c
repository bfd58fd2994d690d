// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/journal_folder.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"
#include "io/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * identity, 96 bytes:
 *   0  8  "sostjid1"      8  4  CRC-32C of the rest      12  4  zero
 *  16 16  journal id     32 16  device id
 *  48  8  inode of the folder     56  8  zero     64 32  the machine's id (/etc/machine-id)
 */
enum { IDENTITY_BYTES = 96, MACHINE_BYTES = 32 };
static const char IDENTITY_MAGIC[] = "sostjid1";

PRINTF_LIKE(2, 3) static void say(struct journal_report *report, const char *format, ...)
{
    va_list args;
    if (report->words[0])
        return; /* the first matters most */
    va_start(args, format);
    vsnprintf(report->words, sizeof report->words, format, args);
    va_end(args);
}

static int fail(struct journal_report *report, const char *path, const char *what, int error)
{
    say(report, "%s: %s: %s", path, what, strerror(-error));
    return error;
}

void journal_segment_name(uint64_t first_lsn, char ret_name[SEGMENT_NAME_BYTES])
{
    snprintf(ret_name, SEGMENT_NAME_BYTES, "%016llx.journal", (unsigned long long)first_lsn);
}

/* --- identity --- */

struct place {
    uint64_t inode;
    char machine[MACHINE_BYTES];
};

static struct place place_of(int folder_fd)
{
    struct place place = {0};
    struct stat status;
    struct buffer machine;
    if (fstat(folder_fd, &status) == 0)
        place.inode = status.st_ino;
    buffer_init(&machine, 64);
    if (file_read(AT_FDCWD, "/etc/machine-id", &machine) == 0)
        bytes_copy(place.machine, machine.data,
                   machine.size < MACHINE_BYTES ? machine.size : MACHINE_BYTES);
    buffer_release(&machine);
    return place;
}

static int write_identity(struct journal_folder *folder, const struct place *place)
{
    struct buffer bytes;
    buffer_init(&bytes, IDENTITY_BYTES);
    buffer_append(&bytes, IDENTITY_MAGIC, sizeof IDENTITY_MAGIC - 1);
    buffer_u64(&bytes, 0);
    buffer_append(&bytes, folder->journal.bytes, UID_BYTES);
    buffer_append(&bytes, folder->device.bytes, UID_BYTES);
    buffer_u64(&bytes, place->inode);
    buffer_u64(&bytes, 0);
    buffer_append(&bytes, place->machine, MACHINE_BYTES);
    uint32_t crc = crc32c(0, bytes.data + 12, IDENTITY_BYTES - 12);
    memcpy(bytes.data + 8, &crc, sizeof crc);
    int error = file_write_atomic(folder->fd, "identity", buffer_view(&bytes), 0600);
    buffer_release(&bytes);
    return error;
}

static bool read_identity(struct text bytes, struct journal_folder *folder, struct place *ret_place)
{
    struct reader reader = reader_of(bytes);
    bool is_ours =
        bytes.size == IDENTITY_BYTES &&
        text_equal(reader_bytes(&reader, sizeof IDENTITY_MAGIC - 1), text_of(IDENTITY_MAGIC)) &&
        reader_u32(&reader) == crc32c(0, bytes.data + 12, IDENTITY_BYTES - 12);
    if (!is_ours)
        return false;
    (void)reader_u32(&reader);
    folder->journal = uid_read(&reader);
    folder->device = uid_read(&reader);
    ret_place->inode = reader_u64(&reader);
    (void)reader_u64(&reader);
    reader_copy(&reader, ret_place->machine, MACHINE_BYTES);
    return !reader.failed;
}

/* A lost identity is a new journal; one from elsewhere keeps its records but numbers on as a new
 * device. */
static int identify(struct journal_folder *folder, struct journal_report *report)
{
    struct place here = place_of(folder->fd), there = {0};
    struct buffer bytes;
    buffer_init(&bytes, IDENTITY_BYTES + 1);
    int error = file_read(folder->fd, "identity", &bytes);
    bool is_known = error == 0 && read_identity(buffer_view(&bytes), folder, &there);
    buffer_release(&bytes);
    if (error && error != -ENOENT && error != -EFBIG)
        return error;
    if (is_known && here.inode == there.inode &&
        memcmp(here.machine, there.machine, MACHINE_BYTES) == 0)
        return 0;
    if (!is_known)
        folder->journal = uid_random();
    folder->device = uid_random();
    report->is_new = !is_known;
    report->is_new_device = true;
    return write_identity(folder, &here);
}

/* --- the list of segments --- */

static bool segment_from_name(const char *name, uint64_t *ret_first_lsn)
{
    char again[SEGMENT_NAME_BYTES], *end;
    *ret_first_lsn = strtoull(name, &end, 16);
    journal_segment_name(*ret_first_lsn, again);
    return strcmp(name, again) == 0 && *ret_first_lsn > 0;
}

static int compare_segments(const void *a, const void *b)
{
    uint64_t one = ((const struct segment_file *)a)->first_lsn,
             other = ((const struct segment_file *)b)->first_lsn;
    return one < other ? -1 : one > other;
}

static int list(struct journal_folder *folder)
{
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    uint64_t first_lsn;
    if (!stream)
        return -errno;
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (!segment_from_name(entry->d_name, &first_lsn))
            continue;
        folder->segments =
            mem_realloc_array(folder->segments, folder->count + 1, sizeof *folder->segments);
        folder->segments[folder->count++] = (struct segment_file){first_lsn, first_lsn - 1, 0};
    }
    closedir(stream);
    if (folder->count)
        qsort(folder->segments, folder->count, sizeof *folder->segments, compare_segments);
    return 0;
}

/* --- reading --- */

struct reading {
    struct journal_folder *folder;
    const struct journal_config *config;
    journal_replay *replay;
    void *context;
    struct journal_report *report;
    uint64_t applied_lsn; /* 0 when the mark is about another journal */
    uint64_t last_lsn;    /* of the last record seen, or the mark */
};

/* Keeps what could not be read; not being able to keep it is no reason to stop. */
static void quarantine(struct reading *reading, const char *segment,
                       const struct segment_item *item)
{
    char name[64];
    if (file_make_dirs(reading->folder->fd, "damaged", 0700) != 0)
        return;
    snprintf(name, sizeof name, "damaged/%.16s.%zu", segment, item->offset);
    (void)!file_write_atomic(reading->folder->fd, name, item->bytes, 0600);
}

/* Acknowledged records up to `durable_lsn` should have been seen by now: whatever is behind both
 * marks is lost. */
static void expect_durable(struct reading *reading, uint64_t durable_lsn, const char *segment)
{
    if (durable_lsn <= reading->last_lsn)
        return;
    reading->report->lost_records += durable_lsn - reading->last_lsn;
    say(reading->report,
        "%s/%s: records %llu to %llu cannot be read; what there is of them lies in damaged/",
        reading->config->folder, segment, (unsigned long long)reading->last_lsn + 1,
        (unsigned long long)durable_lsn);
    reading->last_lsn = durable_lsn;
}

static int take_record(struct reading *reading, const struct segment_item *item)
{
    if (item->lsn <= reading->last_lsn)
        return 0;
    reading->last_lsn = item->lsn;
    reading->report->replayed++;
    return reading->replay ? reading->replay(reading->context, item->lsn, item->bytes) : 0;
}

/* The tail of the last segment is what a crash left: cut, so that it is not found again. */
static int cut(struct reading *reading, const char *name, const struct segment_item *item)
{
    reading->report->torn_bytes += item->bytes.size;
    int fd = openat(reading->folder->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int error = reading->folder->disk->truncate(reading->folder->disk, fd, item->offset);
    error = error ? error : reading->folder->disk->sync(reading->folder->disk, fd);
    close(fd);
    return error;
}

static int read_records(struct reading *reading, struct segment_file *file, const char *name,
                        struct text bytes, bool is_last)
{
    struct segment_reader reader = segment_reader_of(bytes, file->first_lsn - 1);
    struct segment_item item;
    int error = 0;
    for (;;) {
        switch (segment_next(&reader, &item)) {
        case SEGMENT_RECORD:
            file->last_lsn = item.lsn;
            if ((error = take_record(reading, &item)) < 0)
                return error;
            break;
        case SEGMENT_DAMAGED:
            reading->report->damaged_bytes += item.bytes.size;
            quarantine(reading, name, &item);
            expect_durable(reading, item.lsn - 1, name);
            break;
        case SEGMENT_TAIL:
            quarantine(reading, name, &item);
            return is_last ? cut(reading, name, &item) : 0;
        case SEGMENT_END:
            return 0;
        }
    }
}

static int read_segment(struct reading *reading, struct segment_file *file, bool is_last)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment_header header = {.follows_lsn = 0};
    struct file_map map;
    const char *why;
    journal_segment_name(file->first_lsn, name);
    int error = file_map_open(&map, reading->folder->fd, name);
    if (error)
        return fail(reading->report, name, "cannot be read", error);
    file->bytes = map.bytes.size;
    if (segment_decode_header(map.bytes, &header, &why) != 1) {
        /* a crash while it was begun leaves a short one without records, as the last */
        if (!is_last || map.bytes.size > SEGMENT_HEADER_BYTES) {
            say(reading->report, "%s/%s %s", reading->config->folder, name, why);
            reading->report->damaged_bytes += SEGMENT_HEADER_BYTES;
        }
    } else {
        expect_durable(reading, header.follows_lsn, name);
    }
    error = read_records(reading, file, name, map.bytes, is_last);
    file_map_close(&map);
    return error;
}

static int read_all(struct reading *reading)
{
    for (size_t i = 0; i < reading->folder->count; i++) {
        int error =
            read_segment(reading, &reading->folder->segments[i], i + 1 == reading->folder->count);
        if (error)
            return error;
    }
    reading->report->last_lsn = reading->last_lsn;
    return 0;
}

static int prepare(struct journal_folder *folder, const struct journal_config *config,
                   struct journal_report *report)
{
    pid_t holder = 0;
    int error = file_make_dirs(AT_FDCWD, config->folder, 0700);
    folder->fd = error ? error : file_open_dir(AT_FDCWD, config->folder);
    if (folder->fd < 0)
        return fail(report, config->folder, "the journal's folder cannot be opened", folder->fd);
    folder->lock_fd = file_lock(folder->fd, "lock", &holder);
    if (folder->lock_fd == -EWOULDBLOCK)
        say(report, "%s: in use by process %ld: stop it first", config->folder, (long)holder);
    if (folder->lock_fd < 0)
        return fail(report, config->folder, "the journal cannot be locked", folder->lock_fd);
    error = identify(folder, report);
    if (!error)
        error = list(folder);
    return error ? fail(report, config->folder, "the journal cannot be read", error) : 0;
}

int journal_folder_open(struct journal_folder *folder, const struct journal_config *config,
                        journal_replay *replay, void *context, struct journal_report *report)
{
    *folder = (struct journal_folder){
        .fd = -1, .lock_fd = -1, .disk = config->disk ? config->disk : &disk_real};
    *report = (struct journal_report){0};
    int error = prepare(folder, config, report);
    if (!error) {
        bool is_expected = uid_equal(config->expected, folder->journal);
        report->is_new |= !is_expected;
        uint64_t applied_lsn = is_expected ? config->applied_lsn : 0;
        struct reading reading = {folder, config,      replay,     context,
                                  report, applied_lsn, applied_lsn};
        if (!is_expected && folder->count) /* unknown mark: begin with what there is */
            reading.last_lsn = folder->segments[0].first_lsn - 1;
        error = read_all(&reading);
    }
    report->journal = folder->journal;
    report->device = folder->device;
    if (error)
        journal_folder_close(folder);
    return error;
}

void journal_folder_close(struct journal_folder *folder)
{
    mem_free_p(&folder->segments);
    folder->count = 0;
    if (folder->fd >= 0)
        close(folder->fd);
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    folder->fd = folder->lock_fd = -1;
}
