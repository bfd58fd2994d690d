// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * loop: one thread's event loop on epoll: descriptors, timers, and messages from other threads.
 *
 * Any number of loops may live in a process, each run by one thread.  Everything but loop_post()
 * and loop_stop() is called on the loop's own thread only.  A callback does one step and returns.
 * Time enters callbacks as `now_us` (monotonic); nothing above io/ reads the clock by itself.
 */
struct loop;

struct loop *loop_new(void) MUST_USE; /* the process ignores SIGPIPE from here on */
void loop_free(struct loop **loop);   /* runs messages still waiting; watches must be gone */
void loop_run(struct loop *loop);     /* until loop_stop(); at once if that came first */
void loop_stop(struct loop *loop);    /* from any thread or a signal handler */
bool loop_is_asleep(const struct loop *loop);  /* waits for events; from any thread */
uint64_t loop_now_us(const struct loop *loop); /* monotonic, as of this turn */

/*
 * --- descriptors: level-triggered; the owner embeds the watch and keeps it alive until removed ---
 * LOOP_HANGUP (error, or both directions closed) comes unasked and again each turn until the watch
 * is removed.
 */
enum loop_events {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4,
    /* Several loops watch one listening socket; of those that sleep one is woken
     * (EPOLLEXCLUSIVE).  Part of `wanted` at loop_watch_add(); such a watch cannot be set anew. */
    LOOP_EXCLUSIVE = 8,
};
struct loop_watch;
typedef void loop_on_events(struct loop_watch *watch, unsigned events, uint64_t now_us);
struct loop_watch {
    loop_on_events *on_events;
    int fd;
    unsigned wanted;    /* LOOP_READ | LOOP_WRITE; change with loop_watch_set */
    struct loop *_loop; /* NULL when not added */
};
int loop_watch_add(struct loop *loop, struct loop_watch *watch) MUST_USE; /* 0 or -errno */
void loop_watch_set(struct loop_watch *watch, unsigned wanted);
void loop_watch_remove(
    struct loop_watch *watch); /* not added is fine; safe in callbacks; does not close */

/* --- timers: embedded, one shot, O(log n); start again to move --- */
struct loop_timer;
typedef void loop_on_timer(struct loop_timer *timer, uint64_t now_us);
struct loop_timer {
    loop_on_timer *on_timer;
    uint64_t _at_us;
    size_t _position; /* 0 when idle */
    struct loop *_loop;
};
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t at_us);
void loop_timer_stop(struct loop_timer *timer); /* idle timers too */

/*
 * --- messages: run `call(context)` on the loop's thread, in order per sender; from any thread ---
 * They wait for the end of the loop's turn and run in one batch: a loop that is awake is not woken,
 * a sleeping one once.  Whoever posts bounds what he posts: a million waiting is our bug.
 */
typedef void loop_call(void *context);
void loop_post(struct loop *loop, loop_call *call, void *context);
