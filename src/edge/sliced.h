// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/slice.h"

/*
 * sliced: the body of an object in slices, read by one answer on its client's loop.
 *
 * Slices come from memory, from the disk, or from upstream; the one that follows is asked for when
 * half of the present one is read, so that a client at full speed sees no gap and a slow one holds
 * two slices at most.  A slice that breaks off is asked for once more and read on from there: its
 * name says that it is the same.  All are of the version that the reader began with.
 */
struct sliced;

/* What is borrowed lives as long as the exchange. */
struct sliced *sliced_new(const struct asking *asking, const struct slice_of *of) MUST_USE;
void sliced_free(struct sliced **sliced);

/* Bytes from there to `end` will be read.  0 when the first of them is at hand; -EAGAIN: `ready` is
 * called once, on its loop, when sliced_state() says something else. */
typedef void sliced_ready(void *context);
int sliced_begin(struct sliced *sliced, uint64_t at, uint64_t end, sliced_ready *ready,
                 void *context) MUST_USE;
/* -ESTALE: another version is there by now; -EIO: it does not come. */
int sliced_state(const struct sliced *sliced);
/* Whether an origin was asked for the slice that is being read. */
bool sliced_was_fetched(const struct sliced *sliced);

/* As exchange_source_read, from where it stands; `ready` is called once after each -EAGAIN. */
ssize_t sliced_read(struct sliced *sliced, char *room, size_t size, sliced_ready *ready,
                    void *context);
