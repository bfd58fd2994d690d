// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * fault_point: what a drill may change inside a running process: how late its clock is, how slow
 * its disk or that it fails, whether it lies to other nodes or gives them poison.
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
    _Atomic uint32_t lie;           /* order: enum fault_lie, instead of any answer to a node */
    _Atomic uint32_t disk_errno;    /* order: what writes and syncs of the store fail with */
    _Atomic uint64_t lies_told;
    _Atomic uint64_t read_obeyed;   /* reads that waited */
    _Atomic uint64_t clock_obeyed;  /* readings that were shifted */
    _Atomic uint64_t disk_obeyed;   /* writes and syncs that waited */
    _Atomic uint64_t disk_failed;   /* that failed */
    _Atomic uint64_t disk_fails_in; /* order: one of so many fails; 0: each */
    _Atomic uint64_t poisons;       /* order: edges that ask get other bytes of music */
    _Atomic uint64_t poisoned;      /* pieces of bodies that were spoilt for one */
};

enum fault_lie {
    LIE_NONE,
    LIE_PAGE,  /* an error page, as 200 */
    LIE_NOISE, /* bytes that nobody meant */
    LIE_EMPTY, /* a small good JSON with nothing in it */
    LIE_FLIP,  /* what they asked for, a bit of each piece wrong: no digest of it is right */
};

/* Makes the file if it is missing, maps it shared.  NULL with errno set.
 */
struct fault_board *fault_board_map(const char *path, bool is_maker) MUST_USE;
void fault_board_unmap(struct fault_board **board); /* accepts NULL inside */

#ifdef SOSTENUTO_DRILLS
/* This process obeys that board from here on; false with errno set when it cannot be mapped. */
bool fault_points_obey(const char *path) MUST_USE;
int64_t fault_point_clock_shift_ms(void);
/* Sleeps as long as the board says; never on an event loop.  0, or -errno when it is to fail. */
int fault_point_disk(void) MUST_USE;
enum fault_lie fault_point_lie(void);            /* instead of an answer; counts it as told */
void fault_point_flip(char *bytes, size_t size); /* of an answer to a node, if it is to be so */
bool fault_point_poisons(void);
void fault_point_poison(char *byte); /* turns a bit of it, and counts that */
bool fault_point_reads_are_slow(void);
void fault_point_read(
    void); /* sleeps as a slow disk would; on a loop where nothing better is done */
#else
static inline enum fault_lie fault_point_lie(void) { return LIE_NONE; }
static inline void fault_point_flip(char *bytes UNUSED, size_t size UNUSED) {}
static inline bool fault_point_poisons(void) { return false; }
static inline void fault_point_poison(char *byte UNUSED) {}
static inline bool fault_point_reads_are_slow(void) { return false; }
static inline void fault_point_read(void) {}
static inline int64_t fault_point_clock_shift_ms(void) { return 0; }
static inline int fault_point_disk(void) { return 0; }
#endif
