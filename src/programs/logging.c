// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/logging.h"

#include "base/counters.h"
#include "io/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

static bool write_line(int fd, struct text line)
{
    char newline = '\n';
    struct iovec parts[2] = {
        {.iov_base = (char *)(uintptr_t)line.data, .iov_len = line.size},
        {.iov_base = &newline, .iov_len = 1},
    };
    ssize_t wrote;
    do
        wrote = writev(fd, parts, 2);
    while (wrote < 0 && errno == EINTR);
    return wrote == (ssize_t)line.size + 1;
}

static void event_line(void *context, enum log_level level, struct text line)
{
    (void)context;
    (void)level;
    (void)write_line(STDERR_FILENO, line); /* nowhere left to say that it failed */
}

/* Pipes may take a part at a time.  What could not be written. */
static struct text write_all(int fd, struct text bytes)
{
    while (bytes.size > 0) {
        ssize_t wrote = write(fd, bytes.data, bytes.size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        bytes = text_from(bytes, (size_t)wrote);
    }
    return bytes;
}

static int64_t count_lines(struct text lines)
{
    int64_t count = 0;
    for (size_t i = 0; i < lines.size; i++)
        count += lines.data[i] == '\n';
    return count;
}

static void write_batch(struct logging *logging, struct text lines)
{
    if (logging->is_cut && write_all(logging->access_fd, TEXT("\n")).size > 0) {
        counter_add(COUNTER_ACCESS_LOG_LOST, count_lines(lines));
        return;
    }
    struct text lost = write_all(logging->access_fd, lines);
    counter_add(COUNTER_ACCESS_LOG_LOST, count_lines(lost));
    logging->is_cut = lost.size > 0 && lost.size < lines.size && lost.data[-1] != '\n';
}

void logging_access_lines(void *context, struct text lines)
{
    struct logging *logging = context;
    pthread_mutex_lock(&logging->lock);
    if (logging->access_fd >= 0)
        write_batch(logging, lines);
    pthread_mutex_unlock(&logging->lock);
}

/* A descriptor of our own, -1 when there is to be no access log, or another negative -errno with
 * words. */
static int open_access_log(const char *path, struct buffer *why)
{
    if (!path[0])
        return -1;
    int fd = strcmp(path, "-") == 0
                 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd >= 0)
        return fd;
    int error = errno;
    buffer_printf(why, "access_log: %s: %.*s", path, TEXT_ARGS(log_errno(error)));
    return error == 1 ? -EACCES
                      : -error; /* -1 means "none" here, so EPERM goes by its brother's name */
}

/* The file is ours alone; level and format are read by any thread meanwhile. */
static void take_settings(struct logging *logging, const struct settings *settings, int access_fd)
{
    enum log_format format =
        settings->log_format == SETTINGS_LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    pthread_mutex_lock(&logging->lock);
    if (logging->access_fd >= 0)
        (void)close(logging->access_fd);
    logging->access_fd = access_fd;
    logging->is_cut = false;
    pthread_mutex_unlock(&logging->lock);
    atomic_store(&logging->logger.least, (enum log_level)settings->log_level);
    atomic_store(&logging->logger.format, format);
}

int logging_init(struct logging *logging, const struct settings *settings, struct buffer *why)
{
    int fd = open_access_log(settings->access_log, why);
    pthread_mutex_init(&logging->lock, NULL);
    logging->access_fd = -1;
    logging->logger.sink = event_line;
    logging->logger.context = logging;
    /* journald stamps each line itself */
    logging->logger.now_ms = getenv("JOURNAL_STREAM") ? NULL : clock_unix_ms;
    take_settings(logging, settings, fd < -1 ? -1 : fd);
    return fd < -1 ? fd : 0;
}

int logging_reopen(struct logging *logging, const struct settings *settings, struct buffer *why)
{
    int fd = open_access_log(settings->access_log, why);
    if (fd < -1)
        return fd;
    take_settings(logging, settings, fd);
    return 0;
}

void logging_release(struct logging *logging)
{
    if (logging->access_fd >= 0)
        (void)close(logging->access_fd);
    logging->access_fd = -1;
}
