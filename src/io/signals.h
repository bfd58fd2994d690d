// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * signals: signals as ordinary events of a loop (signalfd).
 *
 * signals_start() blocks the given signals in the calling thread, so call it before other threads
 * start: they inherit the mask and the loop alone receives.  A program spawned later must be given
 * an empty mask.
 */
struct signals;
typedef void signals_on_signal(int signal_number, void *context);

/* `numbers` ends with 0, e.g. (int[]){SIGTERM, SIGHUP, 0}. */
struct signals *signals_start(struct loop *loop, const int *numbers, signals_on_signal *on_signal,
                              void *context) MUST_USE;
void signals_stop(struct signals **signals); /* gives the thread its former mask back */
