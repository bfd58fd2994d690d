// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/feed.h"

/*
 * feed_log: STATE/changes, the feed written down as it changes, so that cursors outlive their
 * process, also one that was killed.
 *
 *     sostenuto-changes: 2
 *     boot: UUID                            of the running kernel (random/boot_id)
 *     feed: EPOCH.POSITION.RUN OLDEST       when this file was begun
 *     object POSITION EPOCH.NUMBER LIBRARIES NAME
 *     state POSITION UID
 *     at LSN                                the journal up to here is in the lines above
 *     ended                                 last, when the server ended in order
 *
 * A change is one line, written at once and never synced: it is the kernel's when the process dies.
 * When the machine dies it may be lost, so a file of another boot is only taken up when it ended in
 * order.  What the journal holds behind `at` was not told, and is told by the next process
 * (state_replayed_since()).  A line without its LF was never there.  When the file has grown by
 * FEED_LOG_GROWTH changes it is begun anew.  A disk that takes no line ends the file, not the feed.
 *
 * There is none where the state follows a record that others write to: what they did meanwhile has
 * no number here.
 */
struct api;
struct feed_log;

enum { FEED_LOG_GROWTH = 65536 };

/* Fills `feed`, which is new, with what the process before knew and makes cursors of it go on;
 * false: there is nothing to go on with, or some of it was lost.  *ret_has_missed: the process
 * before died before it could tell of something, which is in the feed now.  Ask before
 * feed_log_open(). */
bool feed_log_take_up(const struct api *api, struct feed *feed, bool *ret_has_missed) MUST_USE;

/* What the bytes of such a file say, for a machine that started as `boot`: fills `feed`, whose
 * epoch counts, and tells up to where the journal is in it.  False: nothing to go on with; then the
 * feed is good for nothing else. */
bool feed_log_read(struct text bytes, struct text boot, struct feed *feed,
                   uint64_t *ret_lsn) MUST_USE;

/* Begins the file with what `feed` knows, and writes down what changes.  NULL: nothing is kept. */
struct feed_log *feed_log_open(const struct api *api, struct feed *feed) MUST_USE;
/* Followers can be told of everything up to `lsn`. */
void feed_log_note(struct feed_log *log, uint64_t lsn); /* accepts NULL */
/* In order: the next process goes on.  Accepts NULL; before feed_free(). */
void feed_log_close(struct feed_log **log);
