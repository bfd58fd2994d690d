// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * workers: a small pool of threads for work that blocks (database, disk misses, password hashes).
 *
 * A job runs `work(context)` on some pool thread and then `done(context)` on the loop that
 * submitted it. The queue is bounded: a full pool says no and the caller sheds (503), it never
 * grows. Separate pools are bulkheads: password hashing has its own, so a flood of sign-ins starves
 * no stream.
 */
struct workers;
typedef void workers_call(void *context);

struct workers *workers_start(const char *name, unsigned threads, size_t max_queued) MUST_USE;
/* Takes nothing any more, runs what is queued, joins the threads.  Accepts NULL, and twice. */
void workers_finish(struct workers *workers);
/* The same, and frees it; `done` of the last jobs is posted before this returns. */
void workers_stop(struct workers **workers);
/* `done` may be NULL.  False when the queue is full: nothing was taken. */
bool workers_submit(struct workers *workers, struct loop *loop, workers_call *work,
                    workers_call *done, void *context) MUST_USE;
