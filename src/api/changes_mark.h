// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/feed.h"

/*
 * changes_mark: STATE/changes, where the feed of a server that ended in order stood, so that the
 * next one goes on and nobody is given everything anew for a restart.
 *
 *     sostenuto-changes: 1
 *     cursor: EPOCH.POSITION.RUN
 *     journal: LSN                the last durable record
 *     objects: 16 HEX DIGITS      over names and versions of all objects
 *
 * It is taken away when it is read: after a crash there is none.  Nor is there one where the state
 * follows a record that others write to: what they did meanwhile has no number here.
 */
struct api;

/* Made anew by each start, with the same content when the journal is where it was. */
#define CHANGES_MARK_EXCEPT TEXT("/revoked")

struct changes_mark {
    uint32_t run;
    uint64_t position;
};

/* Replaces *mark when there is a mark and everything is as it was then. */
void changes_mark_take(const struct api *api, const struct feed *feed, struct changes_mark *mark);
void changes_mark_leave(const struct api *api, const struct feed *feed);
