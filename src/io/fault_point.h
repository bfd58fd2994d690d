// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * fault_point: what a drill may change inside a running process: how late its clock is, how slow
 * its disk.
 *
 * In an ordinary build every point is a constant that does nothing, and the compiler knows it.  In
 * a -Ddrills=true build a process maps the board that SOSTENUTO_FAULT_BOARD names, once, before it
 * starts a thread; the drill holds the same file mapped and writes the orders, the process counts
 * what it obeyed, so that a drill can tell a fault that bit from one that nobody noticed.
 *
 * The monotonic clock is never touched: time-outs and timers mean what they say.
 */
struct fault_board {
    uint64_t magic;
    _Atomic int64_t clock_shift_ms; /* order: added to the wall clock */
    _Atomic uint32_t disk_delay_ms; /* order: before each write and each sync of the store */
    _Atomic uint32_t read_delay_ms; /* order: before each read of a file that is served */
    _Atomic uint64_t read_obeyed;   /* reads that waited */
    _Atomic uint64_t clock_obeyed;  /* readings that were shifted */
    _Atomic uint64_t disk_obeyed;   /* writes and syncs that waited */
};

/* Makes the file if it is missing, maps it shared.  NULL with errno set.
 */
struct fault_board *fault_board_map(const char *path, bool is_maker) MUST_USE;
void fault_board_unmap(struct fault_board **board); /* accepts NULL inside */

#ifdef SOSTENUTO_DRILLS
/* This process obeys that board from here on; false with errno set when it cannot be mapped. */
bool fault_points_obey(const char *path) MUST_USE;
int64_t fault_point_clock_shift_ms(void);
void fault_point_disk(void); /* sleeps as long as the board says; never on an event loop */
bool fault_point_reads_are_slow(void);
void fault_point_read(
    void); /* sleeps as a slow disk would; on a loop where nothing better is done */
#else
static inline bool fault_point_reads_are_slow(void) { return false; }
static inline void fault_point_read(void) {}
static inline int64_t fault_point_clock_shift_ms(void) { return 0; }
static inline void fault_point_disk(void) {}
#endif
