// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_queues: what leaves the disk; pure.
 *
 * The disk's queues are logs, where order is place: nothing can be taken from their middle, only
 * copied to an end when it comes to the beginning.  There S3-FIFO (Yang et al., SOSP 2023) is what
 * fits: what is new passes a short probation and leaves unless it was asked for meanwhile; then it
 * goes round in the main queue, or, when small, in one of its own that songs cannot crowd out, once
 * for each of the last hits.  Who left and comes back soon skips the probation: ghosts remember as
 * many as the disk may hold, in 4 bytes each.
 */
enum { EVICT_SMALL_BYTES = 64 << 10 };
enum evict_queue { EVICT_PROBATION, EVICT_MAIN, EVICT_PROTECTED, EVICT_QUEUES, EVICT_NONE };

struct queues;

struct queues *queues_new(uint64_t max_objects) MUST_USE;
void queues_free(struct queues **queues);

/* Where a new object of that hash begins. */
enum evict_queue queues_admit(struct queues *queues, uint64_t hash, uint64_t size_bytes) MUST_USE;
/* It left that queue. */
void queues_remember(struct queues *queues, uint64_t hash, enum evict_queue left);
/* Which queue gives way, by what each holds. */
enum evict_queue queues_which(const struct queues *queues,
                              const uint64_t bytes[EVICT_QUEUES]) MUST_USE;
/* At the end of its queue: the queue to go on in, with *hits for there, or EVICT_NONE: it leaves.
 */
enum evict_queue queues_judge(enum evict_queue queue, uint64_t size_bytes, uint8_t *hits) MUST_USE;
