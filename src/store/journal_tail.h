// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/journal.h"

/*
 * journal_tail: a journal read behind its writer, record after record, by somebody who passes them
 * on at his own pace: what waits for him waits on the disk, not in memory.
 *
 * He first says journal_hold() for what he still wants.  Only durable records are given; what
 * cannot be read is passed over and counted.  One thread.
 */
struct journal_tail {
    struct journal *journal;
    uint64_t last_lsn;              /* of the record given last */
    uint64_t skipped_bytes;         /* could not be read */
    struct journal_segment segment; /* fd -1: none open */
    uint64_t at;                    /* in the segment, of the next record */
    struct buffer bytes;
};

void journal_tail_init(struct journal_tail *tail, struct journal *journal, uint64_t after_lsn);
void journal_tail_release(struct journal_tail *tail);

/* False: enough, the record was not taken; it comes again. */
typedef bool journal_take(void *context, uint64_t lsn, struct text record);
/* Gives what is durable, at most some megabytes; 0 with *ret_more when there is more, or -errno. */
int journal_tail_read(struct journal_tail *tail, journal_take *take, void *context,
                      bool *ret_more) MUST_USE;
