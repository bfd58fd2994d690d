// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/audit_log.h"

#include "base/mem.h"
#include "io/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int open_file(struct audit_log *log)
{
    struct stat status;
    int fd =
        open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    log->size = fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
    log->fd = fd;
    return 0;
}

static void close_file(struct audit_log *log)
{
    if (log->fd >= 0)
        (void)close(log->fd);
    log->fd = -1;
}

static void turn_over(struct audit_log *log)
{
    char before[PATH_MAX];
    close_file(log);
    if (snprintf(before, sizeof before, "%s.1", log->path) < (int)sizeof before)
        (void)rename(log->path, before);
    (void)open_file(log);
}

static void audit_line(void *context, enum log_level level, struct text line)
{
    struct audit_log *log = context;
    char newline = '\n';
    const struct iovec parts[2] = {
        {.iov_base = (char *)(uintptr_t)line.data, .iov_len = line.size},
        {.iov_base = &newline, .iov_len = 1},
    };
    if (log->path && log->size + line.size >= AUDIT_LOG_MAX_BYTES)
        turn_over(log);
    if (log->fd >= 0 && writev(log->fd, parts, 2) == (ssize_t)line.size + 1)
        log->size += line.size + 1;
    else if (log->otherwise)
        LOG(log->otherwise, level, "audit", {"line", line});
}

static char *path_of(const struct settings *settings)
{
    char path[PATH_MAX];
    if (strcmp(settings->audit_log, "-") == 0)
        return NULL;
    if (settings->audit_log[0])
        return mem_strdup(settings->audit_log);
    (void)snprintf(path, sizeof path, "%s/audit.log", settings->data);
    return mem_strdup(path);
}

int audit_log_open(struct audit_log *log, const struct settings *settings,
                   const struct logger *otherwise, struct buffer *why)
{
    *log = (struct audit_log){.otherwise = otherwise, .fd = -1};
    log->logger = (struct logger){.sink = audit_line,
                                  .context = log,
                                  .now_ms = clock_unix_ms,
                                  .least = LOG_INFO,
                                  .format = LOG_FORMAT_JSON};
    return audit_log_reopen(log, settings, why);
}

int audit_log_reopen(struct audit_log *log, const struct settings *settings, struct buffer *why)
{
    close_file(log);
    mem_free(log->path);
    log->path = path_of(settings);
    int error = log->path ? open_file(log) : 0;
    if (error)
        buffer_printf(why, "audit_log: %s: %.*s", log->path, TEXT_ARGS(log_errno(error)));
    return error;
}

void audit_log_close(struct audit_log *log)
{
    if (!log->logger.sink)
        return;
    close_file(log);
    mem_free_p(&log->path);
}
