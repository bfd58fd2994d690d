// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/file.h"

#include "base/mem.h"
#include "io/random.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_STEP_BYTES = 64 * 1024 };

static void close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static int open_retrying(int dir_fd, const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = openat(dir_fd, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int file_open_dir(int dir_fd, const char *path)
{
    return open_retrying(dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

int file_open_beneath(int root_fd, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? 0600 : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    do /* EAGAIN: a rename raced with our "..": the kernel could not prove that we stayed beneath */
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd < 0 ? -errno : (int)fd;
}

int file_make_dirs(int dir_fd, const char *path, mode_t mode)
{
    char *partial = mem_strdup(path);
    int error = 0;
    for (char *at = partial; !error && *at; at++) {
        if (*at != '/' || at == partial)
            continue;
        *at = '\0';
        if (mkdirat(dir_fd, partial, mode) < 0 && errno != EEXIST)
            error = -errno;
        *at = '/';
    }
    if (!error && mkdirat(dir_fd, partial, mode) < 0 && errno != EEXIST)
        error = -errno;
    mem_free(partial);
    if (error)
        return error;
    struct stat status; /* EEXIST may have been a file */
    if (fstatat(dir_fd, path, &status, 0) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

static int read_to_end(int fd, struct buffer *out)
{
    for (;;) {
        size_t left = out->ceiling - out->size;
        if (left == 0) { /* full: an end here is a fit, one byte more is not */
            char beyond;
            ssize_t got = read(fd, &beyond, 1);
            if (got < 0 && errno == EINTR)
                continue;
            return got < 0 ? -errno : got ? -EFBIG : 0;
        }
        size_t step = left < READ_STEP_BYTES ? left : READ_STEP_BYTES;
        char *at = buffer_reserve(out, step);
        if (!at)
            return -EFBIG;
        ssize_t got = read(fd, at, step);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            return 0;
        if (got > 0)
            out->size += (size_t)got;
    }
}

int file_read(int dir_fd, const char *path, struct buffer *out)
{
    int fd = open_retrying(dir_fd, path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    size_t size_before = out->size;
    int error = read_to_end(fd, out);
    if (error)
        out->size = size_before;
    close(fd);
    return error;
}

int file_read_at(int fd, void *out, size_t size, uint64_t offset)
{
    char *at = out;
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        at += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

int file_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0) {
            at += put;
            size -= (size_t)put;
        }
    }
    return 0;
}

/* The folder part of `path` ("." without one), on the heap. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return text_dup(text_make(path, slash == path ? 1 : (size_t)(slash - path)));
}

static int sync_folder_of(int dir_fd, const char *path)
{
    char *folder = folder_of(path);
    int fd = file_open_dir(dir_fd, folder);
    mem_free(folder);
    if (fd < 0)
        return fd;
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int write_synced(int dir_fd, const char *path, struct text bytes, mode_t mode)
{
    int fd = open_retrying(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0)
        return fd;
    int error = file_write_all(fd, bytes.data, bytes.size);
    if (!error && fchmod(fd, mode) < 0) /* whatever the umask */
        error = -errno;
    if (!error && fsync(fd) < 0)
        error = -errno;
    close(fd);
    return error;
}

int file_write_atomic(int dir_fd, const char *path, struct text bytes, mode_t mode)
{
    char *neighbour;
    if (asprintf(&neighbour, "%s.%016llx.tmp", path, (unsigned long long)random_u64()) < 0)
        abort();
    int error = write_synced(dir_fd, neighbour, bytes, mode);
    if (!error && renameat(dir_fd, neighbour, dir_fd, path) < 0)
        error = -errno;
    if (error)
        unlinkat(dir_fd, neighbour, 0);
    else
        error = sync_folder_of(dir_fd, path);
    mem_free(neighbour);
    return error;
}

int file_map_open(struct file_map *map, int dir_fd, const char *path)
{
    map->bytes = TEXT_NONE;
    int fd = open_retrying(dir_fd, path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int error = 0;
    struct stat status;
    if (fstat(fd, &status) < 0) {
        error = -errno;
    } else if (!S_ISREG(status.st_mode)) {
        error = -EINVAL;
    } else if (status.st_size > 0) {
        void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            error = -errno;
        else
            map->bytes = text_make(at, (size_t)status.st_size);
    }
    close(fd);
    return error;
}

void file_map_close(struct file_map *map)
{
    if (map->bytes.size)
        munmap((void *)(uintptr_t)map->bytes.data, map->bytes.size);
    map->bytes = TEXT_NONE;
}

static pid_t read_pid(int fd)
{
    char digits[16];
    ssize_t size = pread(fd, digits, sizeof digits, 0);
    uint64_t pid = 0;
    if (size <= 0 || !text_to_u64(text_trim(text_make(digits, (size_t)size)), &pid) ||
        pid > INT32_MAX)
        return 0;
    return (pid_t)pid;
}

static int write_pid(int fd)
{
    char line[16];
    int size = snprintf(line, sizeof line, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0)
        return -errno;
    return file_write_all(fd, line, (size_t)size);
}

int file_lock(int dir_fd, const char *path, pid_t *ret_holder)
{
    int fd = open_retrying(dir_fd, path, O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int error = -errno;
        if (ret_holder)
            *ret_holder = read_pid(fd);
        close_keeping_errno(fd);
        return error;
    }
    int error = write_pid(fd);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}
