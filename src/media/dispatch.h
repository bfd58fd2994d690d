// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/process.h"
#include "media/wire.h"

/*
 * dispatch: one thread that gives jobs to worker processes and takes their answers.
 *
 * A *lane* is a kind of job with its own queue and its own workers.  Each worker holds a few jobs
 * in its socket, so that neither side waits for the other; it answers them in order, so the
 * deadline runs for the first.
 *
 *   worker   absent --job queued--> starting --its first message--> ready --idle, old--> absent
 *            starting, ready --death, deadline, memory, nonsense--> absent: the first job is
 * reported, those behind it go back to the queue's front
 *
 * on_done is called once per job on the dispatcher's thread, with no lock held; the job is the
 * caller's again.
 */
struct dispatch;
struct job;
typedef void job_on_done(struct job *job, enum media_outcome outcome,
                         const struct wire_reply *reply /* may be NULL */);

struct job {
    struct job *next; /* the dispatcher's */
    struct wire_request request;
    int file, output; /* borrowed until on_done; output -1: none */
    job_on_done *on_done;
};

enum dispatch_lane { LANE_PROBE, LANE_ARTWORK, LANE_COUNT };

struct dispatch *dispatch_start(const struct media_config *config) MUST_USE;
/* Every job still held is answered with MEDIA_BUSY; all workers are gone when this returns. */
void dispatch_stop(struct dispatch **dispatch);
/* False when the lane's queue is full (or stopping): on_done is not called. */
bool dispatch_submit(struct dispatch *dispatch, enum dispatch_lane lane, struct job *job) MUST_USE;
