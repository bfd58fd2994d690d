// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "trust/uid.h"

/*
 * feed: what changed lately, each thing once and in order: the last change of every object and of
 * every account's state.  Memory only: no I/O, no clock.
 *
 * A change has a position, one more than the change before.  A thing that changes again moves to
 * the end, so who resumes is told of each thing once.  At most `max_changes` are kept; what falls
 * off the front is older than feed_oldest(), and who is behind that must be given everything anew.
 * Objects never fall off: they are few, and their versions are asked for whenever somebody begins.
 *
 * Each change can be told to one who writes it down (feed_on_change()), and what was written down
 * can be taken up by another process (feed_restore()), so that positions outlive their process.
 *
 * A cursor is where somebody stands: EPOCH.POSITION.RUN.  Positions mean something within one run
 * of a feed; one that goes on where another ended has its run (api/changes.c).
 */
struct feed;

enum { FEED_MAX_OBJECTS = 64, FEED_NAME_BYTES = 48, FEED_CURSOR_BYTES = 52 };

struct feed_change {
    uint64_t position;
    bool is_state;              /* else of an object: */
    char name[FEED_NAME_BYTES]; /* "/catalog/1" */
    struct uid account;         /* whose state */
    uint64_t epoch, number;     /* the thing's version; of a state (epoch, position) */
    uint32_t libraries;         /* who may know: accounts with one of these; 0: everybody */
    struct feed_change *_previous, *_next;
};

struct feed *feed_new(uint64_t seed, uint64_t epoch, size_t max_changes) MUST_USE;
void feed_free(struct feed **feed);
/* What is known by now is no news: cursors of this run begin at `position`. */
void feed_begin(struct feed *feed, uint32_t run, uint64_t position);

/* Called for each change when it has its position.  Borrowed for the call. */
typedef void feed_changed(void *context, const struct feed_change *change);
void feed_on_change(struct feed *feed, feed_changed *changed, void *context);
/* Instead of feed_begin(): first where the other stood (cursors from `oldest` on can go on), then
 * its changes in their order, whose positions must grow.  False: they do not, and nothing happened.
 */
void feed_resume(struct feed *feed, uint32_t run, uint64_t position, uint64_t oldest);
bool feed_restore(struct feed *feed, const struct feed_change *change) MUST_USE;

/* Nothing happens when the version is the one known.  Beyond FEED_MAX_OBJECTS names: asserted. */
void feed_object(struct feed *feed, struct text name, uint64_t epoch, uint64_t number,
                 uint32_t libraries);
/* The object was made again and says what it said: its version is another, and nobody is told. */
void feed_object_again(struct feed *feed, struct text name, uint64_t epoch, uint64_t number);
/* A change after position `told` is not told twice: what nobody heard of yet keeps its place. */
void feed_state(struct feed *feed, struct uid account, uint64_t told);

uint64_t feed_position(const struct feed *feed); /* of the last change */
uint64_t feed_oldest(const struct feed *feed);   /* who stands here or later can go on */
uint64_t feed_epoch(const struct feed *feed);
uint32_t feed_run(const struct feed *feed);
/* The first change after `position`, then the next one; NULL at the end.  Borrowed until the next
 * change. */
const struct feed_change *feed_after(const struct feed *feed, uint64_t position);
const struct feed_change *feed_next(const struct feed_change *change);

/* Of accounts that are not known here: the version of their state is this position's. */
uint64_t feed_state_position(const struct feed *feed, struct uid account);

/* --- cursors --- */
struct feed_cursor {
    uint64_t epoch, position;
    uint32_t run;
};
struct text feed_cursor_text(const struct feed *feed, uint64_t position,
                             char storage[FEED_CURSOR_BYTES]);
bool feed_cursor_parse(struct text t, struct feed_cursor *ret) MUST_USE;
/* False: everything must be told anew; *ret_why is a word for it. */
bool feed_can_resume(const struct feed *feed, const struct feed_cursor *cursor,
                     const char **ret_why) MUST_USE;
