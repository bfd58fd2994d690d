// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/carrier.h"
#include "io/fault_point.h"
#include "io/resident.h"
#include "io/server_state.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

/*
 * exchange_disk: what an answer sends of a file is in memory before a loop touches it.
 *
 *   carrier ── exchange_file_ready() ── in memory ──▶ so many bytes: read or sendfile them now
 *                      │ not                    ▲
 *                      ▼                        │ the same question again
 *              a thread of "disk" reads the window ──▶ carrier's run()
 *
 * The thread throws away what it reads: it is the kernel's memory that it fills.  It has a
 * descriptor of its own, so an exchange may end at any time; it then leaves the window unread.
 */
enum {
    WINDOW_BYTES = 1 << 20,
    PIECE_BYTES = 64 << 10,
};

struct disk_read {
    struct exchange *exchange; /* NULL: it ended; the loop's alone */
    int fd;
    uint64_t begin, end;
    atomic_bool is_unwanted;
};

static void fill(const struct disk_read *read)
{
    char piece[PIECE_BYTES];
    fault_point_read();
    (void)readahead(read->fd, (off_t)read->begin, read->end - read->begin);
    for (uint64_t at = read->begin; at < read->end && !atomic_load(&read->is_unwanted);) {
        size_t most = read->end - at < PIECE_BYTES ? (size_t)(read->end - at) : PIECE_BYTES;
        ssize_t got = pread(read->fd, piece, most, (off_t)at);
        if (got <= 0)
            return; /* the carrier will find out */
        at += (uint64_t)got;
    }
}

static void on_thread(void *context)
{
    const struct disk_read *read = context;
    if (!atomic_load(&read->is_unwanted))
        fill(read);
}

static void grant(struct exchange *exchange, uint64_t begin, uint64_t end)
{
    exchange->answer.ready_begin = begin;
    exchange->answer.ready_end = end;
}

static void on_read(void *context)
{
    struct disk_read *read = context;
    struct exchange *exchange = read->exchange;
    if (exchange) {
        exchange->disk_read = NULL;
        grant(exchange, read->begin, read->end);
    }
    close(read->fd);
    mem_free(read);
    if (exchange)
        exchange->carrier->run(exchange);
}

static bool begin_read(struct exchange *exchange, uint64_t begin, uint64_t end)
{
    struct workers *disk = exchange->server->home->disk;
    int fd = disk ? fcntl(exchange->answer.fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    struct disk_read *read = MEM_NEW(struct disk_read);
    *read = (struct disk_read){.exchange = exchange, .fd = fd, .begin = begin, .end = end};
    if (!workers_submit(disk, exchange->loop, on_thread, on_read, read)) {
        close(fd);
        mem_free(read);
        return false;
    }
    exchange->disk_read = read;
    counter_add(COUNTER_DISK_READS, 1);
    return true;
}

uint64_t exchange_file_look(struct exchange *exchange, uint64_t offset, uint64_t size)
{
    struct answer *answer = &exchange->answer;
    uint64_t end = offset + (size < WINDOW_BYTES ? size : WINDOW_BYTES);
    if (exchange->disk_read)
        return 0;
    if (!resident_has(answer->resident, answer->fd, offset, end, loop_now_us(exchange->loop))) {
        if (guard_is_on(GUARD_DISK_READS) && begin_read(exchange, offset, end))
            return 0;
        counter_add(COUNTER_DISK_READS_ON_LOOP, 1);
        fault_point_read(); /* as the read that follows */
    }
    grant(exchange, offset, end);
    return end - offset;
}

void exchange_disk_forget(struct exchange *exchange)
{
    struct disk_read *read = exchange->disk_read;
    if (!read)
        return;
    exchange->disk_read = NULL;
    read->exchange = NULL;
    atomic_store(&read->is_unwanted, true);
}
