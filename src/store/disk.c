// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/disk.h"

#include "io/fault_point.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int real_create(const struct disk *disk UNUSED, int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

static int real_write(const struct disk *disk UNUSED, int fd, const void *data, size_t size)
{
    int error = fault_point_disk();
    return error ? error : file_write_all(fd, data, size);
}

static int real_sync(const struct disk *disk UNUSED, int fd)
{
    int error = fault_point_disk();
    return error ? error : fdatasync(fd) ? -errno : 0;
}

static int real_sync_dir(const struct disk *disk UNUSED, int fd)
{
    int error = fault_point_disk();
    return error ? error : fsync(fd) ? -errno : 0;
}

static int real_truncate(const struct disk *disk UNUSED, int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) ? -errno : 0;
}

static int real_rename(const struct disk *disk UNUSED, int dir_fd, const char *from, const char *to)
{
    return renameat(dir_fd, from, dir_fd, to) ? -errno : 0;
}

static int real_unlink(const struct disk *disk UNUSED, int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0) ? -errno : 0;
}

static int real_write_at(const struct disk *disk UNUSED, int fd, const void *data, size_t size,
                         uint64_t at)
{
    const char *from = data;
    int error = fault_point_disk();
    if (error)
        return error;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static int real_read_at(const struct disk *disk UNUSED, int fd, void *data, size_t size,
                        uint64_t at)
{
    fault_point_read();
    return file_read_at(fd, data, size, at);
}

const struct disk disk_real = {real_create,   real_write,    real_sync,
                               real_sync_dir, real_truncate, real_rename,
                               real_unlink,   real_write_at, real_read_at};

/* --- failing --- */

static struct failing_disk *failing_of(const struct disk *disk)
{
    return CONTAINER_OF((struct disk *)(uintptr_t)disk, struct failing_disk, disk);
}

static int error_of(const struct failing_disk *failing)
{
    return failing->error ? failing->error : -EIO;
}

/* How many of `size` bytes may be written now; or the error to fail with. */
static int take_room(struct failing_disk *failing, size_t size, size_t *ret_fits)
{
    if (failing->fail_writes || (failing->fail_write_at && --failing->fail_write_at == 0))
        return error_of(failing);
    *ret_fits = size < failing->capacity_bytes ? size : (size_t)failing->capacity_bytes;
    failing->capacity_bytes -= *ret_fits;
    return 0;
}

static int failing_write(const struct disk *disk, int fd, const void *data, size_t size)
{
    size_t fits = 0;
    int error = take_room(failing_of(disk), size, &fits);
    if (!error)
        error = file_write_all(fd, data, fits);
    return error ? error : fits < size ? -ENOSPC : 0;
}

static int failing_write_at(const struct disk *disk, int fd, const void *data, size_t size,
                            uint64_t at)
{
    size_t fits = 0;
    int error = take_room(failing_of(disk), size, &fits);
    if (!error)
        error = real_write_at(disk, fd, data, fits, at);
    return error ? error : fits < size ? -ENOSPC : 0;
}

static int failing_read_at(const struct disk *disk, int fd, void *data, size_t size, uint64_t at)
{
    const struct failing_disk *failing = failing_of(disk);
    return failing->fail_reads ? error_of(failing) : real_read_at(disk, fd, data, size, at);
}

static int failing_sync(const struct disk *disk, int fd)
{
    struct failing_disk *failing = failing_of(disk);
    if (failing->fail_sync_at && --failing->fail_sync_at == 0)
        return error_of(failing);
    return real_sync(disk, fd);
}

void failing_disk_init(struct failing_disk *failing)
{
    *failing = (struct failing_disk){.disk = disk_real, .capacity_bytes = UINT64_MAX};
    failing->disk.write = failing_write;
    failing->disk.sync = failing_sync;
    failing->disk.write_at = failing_write_at;
    failing->disk.read_at = failing_read_at;
}
