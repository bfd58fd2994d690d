// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * resident: whether bytes of a file are in memory, so that to read them waits for no disk.
 *
 * Asked by reading single bytes with RWF_NOWAIT (preadv2(2)), one in RESIDENT_PROBE_BYTES: the
 * kernel reads ahead in larger runs than that, and throws away in runs too.  It is a good guess and
 * no promise: between the question and the read the kernel may have thrown a page away.  Where a
 * file system cannot tell, everything is called resident.
 *
 * A struct resident remembers for one file what was asked within RESIDENT_FRESH_MS, so that a file
 * that is sent all the time costs no question.  One loop owns it.
 */
enum { RESIDENT_PROBE_BYTES = 64 << 10, RESIDENT_FRESH_MS = 1000, RESIDENT_SLOTS = 32 };

struct resident {
    uint32_t found_ms[RESIDENT_SLOTS]; /* 0: never, or not found */
    uint8_t slot_shift;                /* bytes of a slot, as a power of two */
};

void resident_init(struct resident *resident, uint64_t file_bytes);
/* Whether [begin, end) of `fd` is; `resident` is that file's, or NULL. */
bool resident_has(struct resident *resident, int fd, uint64_t begin, uint64_t end, uint64_t now_us);
