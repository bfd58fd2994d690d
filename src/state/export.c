// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/export.h"

#include "base/mem.h"
#include "base/reader.h"
#include "io/file.h"
#include "state/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <unistd.h>

enum { DIGEST_BYTES = 32, HEADER_BYTES = 24, ROW_HEAD_BYTES = 8, MAX_ROW_BYTES = 1024 * 1024 };
static const char MAGIC[] = "sostexpt";

enum row { ROW_END, ROW_CELL, ROW_COUNT, ROW_SEEN, ROW_DIGEST, ROW_KEPT, ROW_PLAY };

PRINTF_LIKE(3, 4) static int fail(struct state_error *ret_error, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_error->words, sizeof ret_error->words, format, args);
    va_end(args);
    return error;
}

/* --- writing --- */

enum { GATHERED_BYTES = 256 * 1024 };

struct writer {
    int fd, error;
    struct buffer *memory; /* instead of the file; NULL: the file */
    crypto_generichash_state hash;
    struct buffer bytes; /* not yet written */
    size_t row_at;       /* in bytes, of the row under way */
    uint64_t rows;
};

static void flush(struct writer *writer)
{
    crypto_generichash_update(&writer->hash, (const uint8_t *)writer->bytes.data,
                              writer->bytes.size);
    if (writer->memory)
        buffer_append(writer->memory, writer->bytes.data, writer->bytes.size);
    else if (!writer->error)
        writer->error = file_write_all(writer->fd, writer->bytes.data, writer->bytes.size);
    buffer_reset(&writer->bytes);
}

static struct buffer *begin_row(struct writer *writer, enum row kind)
{
    if (writer->bytes.size >= GATHERED_BYTES)
        flush(writer);
    writer->row_at = writer->bytes.size;
    buffer_u32(&writer->bytes, kind);
    buffer_u32(&writer->bytes, 0);
    return &writer->bytes;
}

static bool end_row(struct writer *writer)
{
    uint32_t size = (uint32_t)(writer->bytes.size - writer->row_at - ROW_HEAD_BYTES);
    memcpy(writer->bytes.data + writer->row_at + 4, &size, sizeof size); /* little-endian here */
    writer->rows++;
    return !writer->error && !writer->bytes.overflowed;
}

static bool put_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    struct buffer *out = begin_row(context, ROW_CELL);
    buffer_text(out, uid_view(&name->account));
    buffer_u16(out, (uint16_t)name->space);
    buffer_u16(out, cell->order.is_final);
    buffer_u64(out, cell->order.hlc);
    buffer_text(out, uid_view(&cell->order.device));
    buffer_u64(out, cell->order.seq);
    buffer_u32(out, (uint32_t)name->key.size);
    buffer_text(out, name->key);
    buffer_text(out, cell->value);
    return end_row(context);
}

static bool put_count(void *context, struct uid account, struct subject subject, struct plays plays)
{
    struct buffer *out = begin_row(context, ROW_COUNT);
    buffer_text(out, uid_view(&account));
    buffer_text(out, subject_view(&subject));
    buffer_u64(out, plays.count);
    buffer_u64(out, (uint64_t)plays.last_ms);
    return end_row(context);
}

static bool put_three(void *context, enum row kind, struct uid device, uint64_t a, uint64_t b)
{
    struct buffer *out = begin_row(context, kind);
    buffer_text(out, uid_view(&device));
    buffer_u64(out, a);
    buffer_u64(out, b);
    return end_row(context);
}

static bool put_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    return put_three(context, ROW_SEEN, device, first, last);
}

static bool put_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    return put_three(context, ROW_DIGEST, device, seq, digest);
}

static bool put_kept(void *context, struct text operation)
{
    buffer_text(begin_row(context, ROW_KEPT), operation);
    return end_row(context);
}

static bool put_play(void *context, const struct database_play *play)
{
    struct buffer *out = begin_row(context, ROW_PLAY);
    buffer_text(out, uid_view(&play->device));
    buffer_u64(out, play->seq);
    buffer_u64(out, play->hlc);
    buffer_u64(out, (uint64_t)play->at_ms);
    buffer_u64(out, (uint64_t)play->accepted_ms);
    buffer_text(out, uid_view(&play->account));
    buffer_text(out, subject_view(&play->track));
    buffer_text(out, play->payload);
    return end_row(context);
}

static void put_header(struct writer *writer, int64_t now_ms)
{
    buffer_append(&writer->bytes, MAGIC, sizeof MAGIC - 1);
    buffer_u16(&writer->bytes, 1);
    buffer_u16(&writer->bytes, 0);
    buffer_u32(&writer->bytes, 0);
    buffer_u64(&writer->bytes, (uint64_t)now_ms);
}

static void put_end(struct writer *writer, uint64_t epoch)
{
    uint8_t digest[DIGEST_BYTES];
    uint64_t rows = writer->rows;
    struct buffer *out = begin_row(writer, ROW_END);
    buffer_u64(out, rows);
    buffer_u64(out, epoch);
    (void)end_row(writer);
    flush(writer);
    crypto_generichash_final(&writer->hash, digest, sizeof digest);
    if (writer->memory) {
        buffer_append(writer->memory, digest, sizeof digest);
        return;
    }
    if (!writer->error)
        writer->error = file_write_all(writer->fd, digest, sizeof digest);
    if (!writer->error && fsync(writer->fd) != 0)
        writer->error = -errno;
}

static struct database_sink writing_sink(struct writer *writer)
{
    return (struct database_sink){.cell = put_cell,
                                  .count = put_count,
                                  .range = put_range,
                                  .digest = put_digest,
                                  .kept = put_kept,
                                  .play = put_play,
                                  .context = writer};
}

void export_write(struct buffer *out, int64_t now_ms, uint64_t epoch, export_rows *rows,
                  void *context)
{
    struct writer writer = {.fd = -1, .memory = out};
    const struct database_sink sink = writing_sink(&writer);
    buffer_init(&writer.bytes, GATHERED_BYTES + 2 * MAX_ROW_BYTES);
    crypto_generichash_init(&writer.hash, NULL, 0, DIGEST_BYTES);
    put_header(&writer, now_ms);
    rows(&sink, context);
    put_end(&writer, epoch);
    buffer_release(&writer.bytes);
}

static int write_all(struct writer *writer, struct database *from, int64_t now_ms,
                     struct state_error *ret_error)
{
    struct database_mark mark = {.epoch = 1};
    const struct database_sink sink = writing_sink(writer);
    crypto_generichash_init(&writer->hash, NULL, 0, DIGEST_BYTES);
    put_header(writer, now_ms);
    int error = database_load(from, &sink, &mark, ret_error);
    if (!error)
        put_end(writer, mark.epoch);
    return error;
}

int state_export(struct database *from, const char *path, int64_t now_ms,
                 struct state_error *ret_error)
{
    struct writer writer = {
        .fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (writer.fd < 0)
        return fail(ret_error, -errno, "%s cannot be made: %s", path, strerrordesc_np(errno));
    buffer_init(&writer.bytes, GATHERED_BYTES + 2 * MAX_ROW_BYTES);
    int error = write_all(&writer, from, now_ms, ret_error);
    buffer_release(&writer.bytes);
    close(writer.fd);
    if (writer.error) /* first: it also ended the reading */
        error = fail(ret_error, writer.error, "%s cannot be written: %s", path,
                     strerrordesc_np(-writer.error));
    if (error)
        unlink(path);
    return error;
}

/* --- reading --- */

static struct subject read_subject(struct reader *reader)
{
    struct subject subject;
    reader_copy(reader, &subject, SUBJECT_BYTES);
    return subject;
}

static bool take_cell(struct reader *reader, const struct database_sink *sink)
{
    struct cell_name name = {.account = uid_read(reader), .space = (enum space)reader_u16(reader)};
    struct cell cell = {.order.is_final = reader_u16(reader) != 0};
    cell.order.hlc = reader_u64(reader);
    cell.order.device = uid_read(reader);
    cell.order.seq = reader_u64(reader);
    name.key = reader_bytes(reader, reader_u32(reader));
    cell.value = reader_bytes(reader, reader->left);
    reader->failed |= name.key.size > NAME_MAX_BYTES || (cell.order.hlc | cell.order.seq) >> 63;
    return !reader->failed && sink->cell(sink->context, &name, &cell);
}

static bool take_count(struct reader *reader, const struct database_sink *sink)
{
    struct uid account = uid_read(reader);
    struct subject subject = read_subject(reader);
    struct plays plays = {.count = reader_u64(reader)};
    plays.last_ms = (int64_t)reader_u64(reader);
    return !reader->failed && sink->count(sink->context, account, subject, plays);
}

static bool take_range(struct reader *reader, const struct database_sink *sink)
{
    struct uid device = uid_read(reader);
    uint64_t first = reader_u64(reader), last = reader_u64(reader);
    reader->failed |= first == 0 || first > last || last >= INT64_MAX;
    return !reader->failed && sink->range(sink->context, device, first, last);
}

static bool take_digest(struct reader *reader, const struct database_sink *sink)
{
    struct uid device = uid_read(reader);
    uint64_t seq = reader_u64(reader), digest = reader_u64(reader);
    reader->failed |= seq >> 63 != 0;
    return !reader->failed && sink->digest(sink->context, device, seq, digest);
}

static bool take_kept(struct reader *reader, const struct database_sink *sink)
{
    struct operation operation;
    struct text bytes = reader_bytes(reader, reader->left);
    const char *why;
    reader->failed |= !operation_decode(bytes, &operation, &why) || operation.seq >> 63;
    return !reader->failed && sink->kept(sink->context, bytes);
}

static bool take_play(struct reader *reader, const struct database_sink *sink)
{
    struct database_play play = {.device = uid_read(reader)};
    play.seq = reader_u64(reader);
    play.hlc = reader_u64(reader);
    play.at_ms = (int64_t)reader_u64(reader);
    play.accepted_ms = (int64_t)reader_u64(reader);
    play.account = uid_read(reader);
    play.track = read_subject(reader);
    play.payload = reader_bytes(reader, reader->left);
    reader->failed |= (play.seq | play.hlc) >> 63 || !text_is_utf8(play.payload);
    return !reader->failed && sink->play(sink->context, &play);
}

static bool (*const takers[])(struct reader *reader, const struct database_sink *sink) = {
    [ROW_CELL] = take_cell,     [ROW_COUNT] = take_count, [ROW_SEEN] = take_range,
    [ROW_DIGEST] = take_digest, [ROW_KEPT] = take_kept,   [ROW_PLAY] = take_play,
};

static const char DAMAGED[] = "holds a row that makes no sense";

static const char *read_rows(struct reader *file, const struct database_sink *sink,
                             struct export_end *ret)
{
    for (uint64_t rows = 0;; rows++) {
        uint32_t kind = reader_u32(file), size = reader_u32(file);
        struct reader row = reader_of(reader_bytes(file, size));
        if (file->failed)
            return "is cut short";
        if (kind == ROW_END) {
            ret->rows = reader_u64(&row);
            ret->epoch = reader_u64(&row);
            return row.failed || file->left ? DAMAGED : ret->rows != rows ? "lacks rows" : NULL;
        }
        if (kind >= ARRAY_SIZE(takers))
            return "holds rows of a newer sostenuto: use that one";
        if (!takers[kind](&row, sink))
            return row.failed ? DAMAGED : "";
        if (row.left)
            return DAMAGED;
    }
}

static bool digest_holds(struct text whole)
{
    uint8_t digest[DIGEST_BYTES];
    size_t size = whole.size - DIGEST_BYTES;
    crypto_generichash(digest, sizeof digest, (const uint8_t *)whole.data, size, NULL, 0);
    return memcmp(digest, whole.data + size, sizeof digest) == 0;
}

const char *export_read(struct text bytes, const struct database_sink *sink, struct export_end *ret)
{
    if (bytes.size < HEADER_BYTES + DIGEST_BYTES || !text_starts(bytes, text_of(MAGIC)))
        return "is not an export of sostenuto";
    struct reader reader = reader_of(text_make(bytes.data, bytes.size - DIGEST_BYTES));
    (void)reader_bytes(&reader, sizeof MAGIC - 1);
    if (reader_u16(&reader) != 1)
        return "was made by a newer sostenuto: use that one";
    (void)reader_bytes(&reader, 2 + 4);
    ret->made_ms = (int64_t)reader_u64(&reader);
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* rows are what a fuzzer is to find its way into \
                                                  */
    if (!digest_holds(bytes))
        return "is cut short or altered: its checksum is wrong";
#else
    (void)digest_holds;
#endif
    return read_rows(&reader, sink, ret);
}

/* --- importing --- */

static bool see_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    (void)name, (void)cell;
    return context != NULL;
}

static bool see_count(void *context, struct uid account, struct subject subject, struct plays plays)
{
    (void)account, (void)subject, (void)plays;
    return context != NULL;
}

static bool see_pair(void *context, struct uid device, uint64_t a, uint64_t b)
{
    (void)device, (void)a, (void)b;
    return context != NULL;
}

static bool see_kept(void *context, struct text operation)
{
    (void)operation;
    return context != NULL;
}

static bool see_play(void *context, const struct database_play *play)
{
    (void)play;
    return context != NULL;
}

/* Looks at rows and forgets them; without a context it stops at the first. */
static struct database_sink sink_of(const void *context)
{
    return (struct database_sink){.cell = see_cell,
                                  .count = see_count,
                                  .range = see_pair,
                                  .digest = see_pair,
                                  .kept = see_kept,
                                  .play = see_play,
                                  .context = (void *)(uintptr_t)context};
}

int state_is_empty(struct database *database, bool *ret_is_empty, struct state_error *ret_error)
{
    struct database_mark mark;
    struct state_error no_matter;
    const struct database_sink any = sink_of(NULL), all = sink_of(MAGIC);
    *ret_is_empty = database_load(database, &any, &mark, &no_matter) == 0;
    /* a failure is either the first row or a database that cannot be read */
    return *ret_is_empty ? 0 : database_load(database, &all, &mark, ret_error);
}

static int import_bytes(struct text bytes, const char *path, struct database *to,
                        uint64_t *ret_epoch, struct state_error *ret_error)
{
    struct export_end end = {0};
    struct transfer transfer;
    const struct database_sink nowhere = sink_of(MAGIC);
    const char *why = export_read(bytes, &nowhere, &end);
    if (why)
        return fail(ret_error, -EBADMSG, "%s %s", path, why);
    transfer_init(&transfer, to);
    struct database_sink sink = transfer_sink(&transfer);
    (void)export_read(bytes, &sink, &end);
    int result = transfer_end(&transfer);
    if (result)
        return fail(ret_error, -EIO, "the database %s", database_words(result));
    *ret_epoch = end.epoch;
    return 0;
}

int state_import(const char *path, struct database *to, uint64_t *ret_epoch,
                 struct state_error *ret_error)
{
    struct file_map map;
    int error = file_map_open(&map, AT_FDCWD, path);
    if (error)
        return fail(ret_error, error, "%s cannot be read: %s", path, strerrordesc_np(-error));
    error = import_bytes(map.bytes, path, to, ret_epoch, ret_error);
    file_map_close(&map);
    return error;
}
