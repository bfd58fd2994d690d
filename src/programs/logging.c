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

void logging_access_line(void *context, enum log_level level, struct text line)
{
    const struct logging *logging = context;
    (void)level;
    if (logging->access_fd >= 0 && !write_line(logging->access_fd, line))
        counter_add(COUNTER_ACCESS_LOG_LOST, 1);
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

static void take_settings(struct logging *logging, const struct settings *settings, int access_fd)
{
    logging->access_fd = access_fd;
    logging->logger = (struct logger){
        .sink = event_line,
        .context = logging,
        /* journald stamps each line itself */
        .now_ms = getenv("JOURNAL_STREAM") ? NULL : clock_unix_ms,
        .least = (enum log_level)settings->log_level,
        .format = settings->log_format == SETTINGS_LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
    };
}

int logging_init(struct logging *logging, const struct settings *settings, struct buffer *why)
{
    int fd = open_access_log(settings->access_log, why);
    take_settings(logging, settings, fd < -1 ? -1 : fd);
    return fd < -1 ? fd : 0;
}

int logging_reopen(struct logging *logging, const struct settings *settings, struct buffer *why)
{
    int fd = open_access_log(settings->access_log, why);
    if (fd < -1)
        return fd;
    if (logging->access_fd >= 0)
        (void)close(logging->access_fd);
    take_settings(logging, settings, fd);
    return 0;
}

void logging_release(struct logging *logging)
{
    if (logging->access_fd >= 0)
        (void)close(logging->access_fd);
    logging->access_fd = -1;
}
