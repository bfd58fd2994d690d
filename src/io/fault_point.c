// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/fault_point.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOARD_MAGIC UINT64_C(0x31766472616f6266) /* "fboardv1" */

struct fault_board *fault_board_map(const char *path, bool is_maker)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (is_maker ? O_CREAT : 0);
    int fd = open(path, flags, 0600);
    if (fd < 0)
        return NULL;
    struct stat status;
    struct fault_board *board = NULL;
    if (is_maker ? ftruncate(fd, sizeof *board) == 0
                 : fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof *board)
        board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (board == MAP_FAILED)
        board = NULL;
    if (board && is_maker)
        board->magic = BOARD_MAGIC;
    if (board && board->magic != BOARD_MAGIC) {
        (void)munmap(board, sizeof *board);
        board = NULL;
        errno = EINVAL;
    }
    (void)close(fd);
    return board;
}

void fault_board_unmap(struct fault_board **board)
{
    if (*board)
        (void)munmap(*board, sizeof **board);
    *board = NULL;
}

#ifdef SOSTENUTO_DRILLS
static struct fault_board *obeyed_board; /* set before the first thread starts, then only read */

bool fault_points_obey(const char *path)
{
    obeyed_board = fault_board_map(path, false);
    return obeyed_board != NULL;
}

int64_t fault_point_clock_shift_ms(void)
{
    int64_t shift_ms =
        obeyed_board ? atomic_load_explicit(&obeyed_board->clock_shift_ms, memory_order_relaxed)
                     : 0;
    if (shift_ms)
        atomic_fetch_add_explicit(&obeyed_board->clock_obeyed, 1, memory_order_relaxed);
    return shift_ms;
}

/* Sleeps so long, and counts that it did. */
static void obey_delay(uint32_t delay_ms, _Atomic uint64_t *obeyed)
{
    struct timespec left = {delay_ms / 1000, (long)(delay_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    atomic_fetch_add_explicit(obeyed, 1, memory_order_relaxed);
}

/* Drawn from the count of failures and the clock: which write it is nobody needs to repeat. */
static bool fails_now(void)
{
    uint64_t in = atomic_load_explicit(&obeyed_board->disk_fails_in, memory_order_relaxed);
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return in < 2 || hash_mix((uint64_t)now.tv_nsec) % in == 0;
}

int fault_point_disk(void)
{
    if (!obeyed_board)
        return 0;
    uint32_t delay_ms = atomic_load_explicit(&obeyed_board->disk_delay_ms, memory_order_relaxed);
    uint32_t error = atomic_load_explicit(&obeyed_board->disk_errno, memory_order_relaxed);
    if (delay_ms)
        obey_delay(delay_ms, &obeyed_board->disk_obeyed);
    if (!error || !fails_now())
        return 0;
    atomic_fetch_add_explicit(&obeyed_board->disk_failed, 1, memory_order_relaxed);
    return -(int)error;
}

static enum fault_lie lie_now(void)
{
    return obeyed_board
               ? (enum fault_lie)atomic_load_explicit(&obeyed_board->lie, memory_order_relaxed)
               : LIE_NONE;
}

enum fault_lie fault_point_lie(void)
{
    enum fault_lie lie = lie_now();
    if (lie == LIE_NONE || lie == LIE_FLIP)
        return LIE_NONE;
    atomic_fetch_add_explicit(&obeyed_board->lies_told, 1, memory_order_relaxed);
    return lie;
}

void fault_point_flip(char *bytes, size_t size)
{
    if (size == 0 || lie_now() != LIE_FLIP)
        return;
    bytes[size / 2] = (char)(bytes[size / 2] ^ 1);
    atomic_fetch_add_explicit(&obeyed_board->lies_told, 1, memory_order_relaxed);
}

bool fault_point_poisons(void)
{
    return obeyed_board && atomic_load_explicit(&obeyed_board->poisons, memory_order_relaxed);
}

void fault_point_poison(char *byte)
{
    *byte = (char)(*byte ^ 1);
    atomic_fetch_add_explicit(&obeyed_board->poisoned, 1, memory_order_relaxed);
}

static uint32_t read_delay_ms(void)
{
    return obeyed_board ? atomic_load_explicit(&obeyed_board->read_delay_ms, memory_order_relaxed)
                        : 0;
}

bool fault_point_reads_are_slow(void) { return read_delay_ms() > 0; }

void fault_point_read(void)
{
    uint32_t delay_ms = read_delay_ms();
    if (delay_ms)
        obey_delay(delay_ms, &obeyed_board->read_obeyed);
}
#endif
