// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

/*
 * transfer: rows of one database, or of an export file, on their way into another database, some
 * thousands to a transaction.
 *
 *     struct transfer transfer;
 *     transfer_init(&transfer, to);
 *     struct database_sink sink = transfer_sink(&transfer);
 *     … give rows to the sink …
 *     result = transfer_end(&transfer);
 *
 * The target is the caller's and should be empty.  Counts are taken over as they are.
 */
struct transfer {
    struct database *to;
    struct effects *effects;
    int result; /* of the first write that failed: sinks say false from then on */
};

void transfer_init(struct transfer *transfer, struct database *to);
struct database_sink transfer_sink(struct transfer *transfer);
/* Writes what is left.  0, or the result code of what failed. */
int transfer_end(struct transfer *transfer) MUST_USE;

/* One whole database into another.  0, or -errno with words about which of the two. */
int transfer_all(struct database *from, struct database *to, struct database_mark *ret_mark,
                 struct state_error *ret_error) MUST_USE;
