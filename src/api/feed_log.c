// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/feed_log.h"

#include "api/inside.h"
#include "base/digits.h"
#include "base/mem.h"
#include "io/file.h"
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    PATH_CHARACTERS = 4096,
    LINE_MAX_BYTES = 160,
    FILE_MAX_BYTES = 256 << 20,
    BOOT_MAX_BYTES = 64,
};
#define MAGIC "sostenuto-changes: 2"

struct feed_log {
    const struct api *api;
    struct feed *feed;
    int fd; /* -1: the disk took no line; the file is gone */
    size_t grown;
    uint64_t lsn;
    char path[PATH_CHARACTERS];
};

static bool path_of(const struct api *api, char path[PATH_CHARACTERS])
{
    return api->config.folder && !state_health(api->config.state).has_record &&
           snprintf(path, PATH_CHARACTERS, "%s/changes", api->config.folder) < PATH_CHARACTERS;
}

/* Which start of the machine this is; empty when nobody says. */
static void add_boot(struct buffer *out)
{
    struct buffer boot;
    buffer_init(&boot, BOOT_MAX_BYTES);
    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &boot) == 0)
        buffer_text(out, text_trim(buffer_view(&boot)));
    buffer_release(&boot);
}

/* --- writing --- */

static void add_change(struct buffer *out, const struct feed_change *change)
{
    struct uid_text id;
    if (change->is_state)
        buffer_printf(out, "state %" PRIu64 " %.*s\n", change->position,
                      TEXT_ARGS(uid_text(&id, change->account)));
    else
        buffer_printf(out, "object %" PRIu64 " %" PRIu64 ".%" PRIu64 " %" PRIu32 " %s\n",
                      change->position, change->epoch, change->number, change->libraries,
                      change->name);
}

static void add_all(struct buffer *out, const struct feed *feed, uint64_t lsn)
{
    char storage[FEED_CURSOR_BYTES];
    buffer_text(out, TEXT(MAGIC "\nboot: "));
    add_boot(out);
    buffer_printf(out, "\nfeed: %.*s %" PRIu64 "\n",
                  TEXT_ARGS(feed_cursor_text(feed, feed_position(feed), storage)),
                  feed_oldest(feed));
    for (const struct feed_change *each = feed_after(feed, 0); each; each = feed_next(each))
        add_change(out, each);
    buffer_printf(out, "at %" PRIu64 "\n", lsn);
}

/* The feed goes on without its file: the next process begins anew. */
static void give_up(struct feed_log *log, int error)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    (void)unlink(log->path);
    LOG(log->api->config.logger, LOG_WARNING, "the feed of changes is not kept any more",
        {"why", log_errno(error)});
}

static int open_new(const char *path, struct text bytes, int *ret_fd)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : file_write_all(fd, bytes.data, bytes.size);
    if (error && fd >= 0)
        close(fd);
    if (!error)
        *ret_fd = fd;
    return error;
}

/* Beside the file of before, then in its place. */
static void begin(struct feed_log *log)
{
    char beside[PATH_CHARACTERS + 8];
    struct buffer bytes;
    int fd = -1, error = -EFBIG;
    snprintf(beside, sizeof beside, "%s.new", log->path);
    buffer_init(&bytes, FILE_MAX_BYTES);
    add_all(&bytes, log->feed, log->lsn);
    if (!bytes.overflowed)
        error = open_new(beside, buffer_view(&bytes), &fd);
    if (!error && rename(beside, log->path) != 0)
        error = -errno;
    buffer_release(&bytes);
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->grown = 0;
    if (error)
        give_up(log, error);
}

static void append(struct feed_log *log, struct text line)
{
    int error = log->fd >= 0 ? file_write_all(log->fd, line.data, line.size) : 0;
    if (error)
        give_up(log, error);
}

static void on_change(void *context, const struct feed_change *change)
{
    struct feed_log *log = context;
    struct buffer line;
    if (log->fd < 0)
        return;
    if (++log->grown > FEED_LOG_GROWTH) {
        begin(log);
        return;
    }
    buffer_init(&line, LINE_MAX_BYTES);
    add_change(&line, change);
    append(log, buffer_view(&line));
    buffer_release(&line);
}

void feed_log_note(struct feed_log *log, uint64_t lsn)
{
    char line[LINE_MAX_BYTES];
    if (!log || log->lsn == lsn)
        return;
    log->lsn = lsn;
    int size = snprintf(line, sizeof line, "at %" PRIu64 "\n", lsn);
    append(log, text_make(line, (size_t)size));
}

struct feed_log *feed_log_open(const struct api *api, struct feed *feed)
{
    struct feed_log *log = MEM_NEW(struct feed_log);
    log->api = api;
    log->feed = feed;
    log->fd = -1;
    log->lsn = state_merged_lsn(api->config.state);
    if (!path_of(api, log->path)) {
        mem_free(log);
        return NULL;
    }
    begin(log);
    if (log->fd >= 0)
        (void)fsync(log->fd); /* or a power cut might bring the file of before back */
    feed_on_change(feed, on_change, log);
    return log;
}

void feed_log_close(struct feed_log **log_p)
{
    struct feed_log *log = *log_p;
    if (!log)
        return;
    feed_on_change(log->feed, NULL, NULL);
    append(log, TEXT("ended\n"));
    if (log->fd >= 0) {
        (void)fsync(log->fd);
        close(log->fd);
    }
    mem_free_p(log_p);
}

/* --- reading --- */

/* "LABEL VALUE", where the value may have further parts. */
static bool take_line(struct text *rest, struct text label, struct text *ret_value)
{
    struct text line;
    if (!text_starts(*rest, label) || !text_split(rest, '\n', &line) || !rest->data)
        return false;
    *ret_value = text_from(line, label.size);
    return true;
}

static bool take_number(struct text *rest, char end, uint64_t *ret)
{
    struct text digits;
    return text_split(rest, end, &digits) && rest->data && text_to_u64(digits, ret);
}

static bool read_state(struct text line, struct feed_change *ret)
{
    ret->is_state = true;
    return take_number(&line, ' ', &ret->position) && uid_from_text(line, &ret->account);
}

static bool read_object(struct text line, struct feed_change *ret)
{
    uint64_t libraries;
    if (!take_number(&line, ' ', &ret->position) || !take_number(&line, '.', &ret->epoch) ||
        !take_number(&line, ' ', &ret->number) || !take_number(&line, ' ', &libraries) ||
        libraries > UINT32_MAX || line.size == 0 || line.size >= sizeof ret->name)
        return false;
    ret->libraries = (uint32_t)libraries;
    memcpy(ret->name, line.data, line.size);
    return true;
}

/* Magic, boot and cursor; false when this file says nothing of our feed. */
static bool read_head(struct text *rest, struct text boot, struct feed *feed, bool *ret_is_our_boot)
{
    struct text value, cursor_text, oldest_text;
    struct feed_cursor cursor;
    uint64_t oldest;
    if (!take_line(rest, TEXT(MAGIC), &value) || value.size ||
        !take_line(rest, TEXT("boot: "), &value))
        return false;
    *ret_is_our_boot = boot.size > 0 && text_equal(value, boot);
    if (!take_line(rest, TEXT("feed: "), &value))
        return false;
    oldest_text = value;
    if (!text_split(&oldest_text, ' ', &cursor_text) || !oldest_text.data ||
        !feed_cursor_parse(cursor_text, &cursor) || !text_to_u64(oldest_text, &oldest) ||
        cursor.epoch != feed_epoch(feed) || oldest > cursor.position)
        return false;
    feed_resume(feed, cursor.run, cursor.position, oldest);
    return true;
}

/* One line behind the head; `ended` and what is torn end the reading. */
static bool read_line(struct text *rest, struct feed *feed, uint64_t *lsn)
{
    struct feed_change change = {0};
    struct text value;
    if (take_line(rest, TEXT("state "), &value))
        return read_state(value, &change) && feed_restore(feed, &change);
    if (take_line(rest, TEXT("object "), &value))
        return read_object(value, &change) && feed_restore(feed, &change);
    return take_line(rest, TEXT("at "), &value) && text_to_u64(value, lsn);
}

bool feed_log_read(struct text bytes, struct text boot, struct feed *feed, uint64_t *ret_lsn)
{
    struct text rest = bytes;
    bool is_our_boot, has_ended = text_ends(bytes, TEXT("\nended\n"));
    if (!read_head(&rest, boot, feed, &is_our_boot) || (!is_our_boot && !has_ended))
        return false;
    *ret_lsn = UINT64_MAX;
    while (text_find_byte(rest, '\n') != SIZE_MAX && !text_equal(rest, TEXT("ended\n")))
        if (!read_line(&rest, feed, ret_lsn))
            return false;
    return true;
}

static void on_replayed(void *context, struct uid account)
{
    struct feed *feed = context;
    feed_state(feed, account, feed_position(feed));
}

bool feed_log_take_up(const struct api *api, struct feed *feed, bool *ret_has_missed)
{
    char path[PATH_CHARACTERS];
    struct buffer bytes, boot;
    uint64_t lsn;
    if (!path_of(api, path))
        return false;
    buffer_init(&bytes, FILE_MAX_BYTES);
    buffer_init(&boot, BOOT_MAX_BYTES);
    add_boot(&boot);
    bool is_taken = file_read(AT_FDCWD, path, &bytes) == 0 &&
                    feed_log_read(buffer_view(&bytes), buffer_view(&boot), feed, &lsn);
    buffer_release(&boot);
    buffer_release(&bytes);
    uint64_t position = feed_position(feed);
    if (!is_taken || !state_replayed_since(api->config.state, lsn, on_replayed, feed))
        return false;
    *ret_has_missed = feed_position(feed) != position;
    return true;
}
