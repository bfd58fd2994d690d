// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
/*
 * A disk that fails as told, put under a process with LD_PRELOAD: campaign.py builds it.
 *
 * Only files of a folder named "cache" are harmed.  Orders lie in a file that both sides map,
 * $FAILING_DISK; of each kind that bit it counts.  What is held back of the purges' file reaches
 * the kernel when it is synced: then SIGKILL is a power cut.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct orders {
    _Atomic uint32_t write_errno, read_errno; /* 0: all is well */
    _Atomic uint32_t delay_us;                /* before each call */
    _Atomic uint32_t tear_in, flip_in;        /* one of so many writes, reads; 0: none */
    _Atomic uint32_t holds_back;              /* purges, until they are synced */
    _Atomic uint32_t failed_writes, failed_reads, delayed, torn, flipped;
};

static struct orders *orders;
static _Atomic uint32_t drawn;

__attribute__((constructor)) static void map_orders(void)
{
    const char *path = getenv("FAILING_DISK");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        orders = mapped;
    if (fd >= 0)
        close(fd);
}

static int is_harmed(int fd)
{
    char link[32], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = orders ? readlink(link, path, sizeof path - 1) : -1;
    path[size > 0 ? size : 0] = 0;
    return strstr(path, "/cache/") != NULL;
}

static uint32_t draw(void)
{
    uint64_t x = atomic_fetch_add(&drawn, 1) * 0x9e3779b97f4a7c15U + (uint64_t)getpid();
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    return (uint32_t)(x >> 32);
}

static int is_drawn(_Atomic uint32_t *one_in)
{
    uint32_t n = atomic_load(one_in);
    return n > 0 && draw() % n == 0;
}

static void wait_as_told(void)
{
    uint32_t delay = atomic_load(&orders->delay_us);
    if (delay == 0)
        return;
    atomic_fetch_add(&orders->delayed, 1);
    usleep(delay);
}

static ssize_t failed(_Atomic uint32_t *count, uint32_t error)
{
    atomic_fetch_add(count, 1);
    errno = (int)error;
    return -1;
}

/* --- what is not synced --- */
static struct {
    int fd;
    size_t count;
    struct {
        off_t at;
        size_t size;
        char bytes[4096];
    } writes[64];
} held;

static int is_held_back(int fd, size_t size)
{
    char link[32], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return atomic_load(&orders->holds_back) && length > 7 &&
           !strcmp(path + length - 7, "/purges") && size <= sizeof held.writes[0].bytes &&
           held.count < sizeof held.writes / sizeof held.writes[0];
}

static ssize_t hold_back(int fd, const void *bytes, size_t size, off_t at)
{
    held.fd = fd;
    held.writes[held.count].at = at;
    held.writes[held.count].size = size;
    memcpy(held.writes[held.count++].bytes, bytes, size);
    return (ssize_t)size;
}

static void let_go(ssize_t (*real)(int, const void *, size_t, off_t))
{
    for (size_t i = 0; i < held.count; i++)
        if (real(held.fd, held.writes[i].bytes, held.writes[i].size, held.writes[i].at) < 0)
            abort();
    held.count = 0;
}

static ssize_t write_harmed(int fd, const void *bytes, size_t size, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (!is_harmed(fd))
        return real(fd, bytes, size, at);
    wait_as_told();
    uint32_t error = atomic_load(&orders->write_errno);
    if (error)
        return failed(&orders->failed_writes, error);
    if (is_held_back(fd, size))
        return hold_back(fd, bytes, size, at);
    if (!is_drawn(&orders->tear_in))
        return real(fd, bytes, size, at);
    atomic_fetch_add(&orders->torn, 1);
    ssize_t part = real(fd, bytes, draw() % (size + 1), at);
    errno = EIO;
    return part < 0 ? part : -1;
}

static ssize_t read_harmed(int fd, void *bytes, size_t size, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    if (!is_harmed(fd))
        return real(fd, bytes, size, at);
    wait_as_told();
    uint32_t error = atomic_load(&orders->read_errno);
    if (error)
        return failed(&orders->failed_reads, error);
    ssize_t got = real(fd, bytes, size, at);
    if (got > 0 && is_drawn(&orders->flip_in)) {
        ((uint8_t *)bytes)[draw() % (size_t)got] ^= (uint8_t)(1U << draw() % 8);
        atomic_fetch_add(&orders->flipped, 1);
    }
    return got;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    return write_harmed(fd, bytes, size, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return write_harmed(fd, bytes, size, at);
}
ssize_t pread64(int fd, void *bytes, size_t size, off_t at)
{
    return read_harmed(fd, bytes, size, at);
}
ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    return read_harmed(fd, bytes, size, at);
}
ssize_t __pread64_chk(int fd, void *bytes, size_t size, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *bytes, size_t size, off_t at, size_t room)
{
    if (size > room)
        abort();
    return read_harmed(fd, bytes, size, at);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    static ssize_t (*real_write)(int, const void *, size_t, off_t);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
        *(void **)&real_write = dlsym(RTLD_NEXT, "pwrite64");
    }
    if (!is_harmed(fd))
        return real(fd);
    wait_as_told();
    uint32_t error = atomic_load(&orders->write_errno);
    if (!error && held.count > 0 && held.fd == fd)
        let_go(real_write);
    return error ? (int)failed(&orders->failed_writes, error) : real(fd);
}
