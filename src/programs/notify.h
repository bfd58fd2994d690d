// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "io/loop.h"

/*
 * notify: tells the service manager how we are, by a datagram to $NOTIFY_SOCKET (sd_notify(3),
 * Type=notify).
 *
 * Without that variable every call does nothing.  The watchdog is fed from the main loop, so a loop
 * that hangs is restarted; its period is half of $WATCHDOG_USEC.
 */

/* "READY=1", "STOPPING=1", "STATUS=…"; false when there is nobody to tell or it could not be told.
 */
bool notify_send(const char *state);

struct notify_watchdog {
    struct loop_timer timer;
    struct loop *loop;
    uint64_t period_us; /* 0: nobody asked */
};
void notify_watchdog_start(struct notify_watchdog *watchdog, struct loop *loop);
void notify_watchdog_stop(struct notify_watchdog *watchdog);
