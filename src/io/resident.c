// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/resident.h"

#include "io/fault_point.h"

#include <errno.h>
#include <sys/uio.h>

enum { LEAST_SHIFT = 16 };

void resident_init(struct resident *resident, uint64_t file_bytes)
{
    *resident = (struct resident){.slot_shift = LEAST_SHIFT};
    while (file_bytes >> resident->slot_shift >= RESIDENT_SLOTS)
        resident->slot_shift++;
}

/* A byte there; past the end there is nothing to wait for. */
static bool has_byte(int fd, uint64_t offset)
{
    char byte;
    struct iovec room = {&byte, 1};
    return preadv2(fd, &room, 1, (off_t)offset, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static bool has_bytes(int fd, uint64_t begin, uint64_t end)
{
    for (uint64_t at = begin; at < end; at += RESIDENT_PROBE_BYTES)
        if (!has_byte(fd, at))
            return false;
    return begin >= end || has_byte(fd, end - 1);
}

static bool has_slot(struct resident *resident, int fd, uint64_t slot, uint32_t now_ms)
{
    uint32_t *found_ms = &resident->found_ms[slot];
    if (LIKELY(*found_ms && now_ms - *found_ms < RESIDENT_FRESH_MS))
        return true;
    bool is_here = has_bytes(fd, slot << resident->slot_shift, (slot + 1) << resident->slot_shift);
    *found_ms = is_here ? now_ms : 0;
    return is_here;
}

/* A slot that is not here whole may yet have the part that is wanted. */
bool resident_has(struct resident *resident, int fd, uint64_t begin, uint64_t end, uint64_t now_us)
{
    uint32_t now_ms = (uint32_t)(now_us / 1000) | 1;
    if (begin >= end)
        return true;
    if (fault_point_reads_are_slow())
        return false;
    if (!resident || (end - 1) >> resident->slot_shift >= RESIDENT_SLOTS)
        return has_bytes(fd, begin, end);
    for (uint64_t slot = begin >> resident->slot_shift; slot <= (end - 1) >> resident->slot_shift;
         slot++)
        if (!has_slot(resident, fd, slot, now_ms))
            return has_bytes(fd, begin, end);
    return true;
}
