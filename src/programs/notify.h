// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "io/loop.h"

/*
 * notify: tells who watches over us how we are, in the words of sd_notify(3).
 *
 * A server under our supervisor has a channel of its own to it, on which the supervisor also speaks
 * (programs/supervisor.h); any other process sends a datagram to $NOTIFY_SOCKET, and without that
 * variable to nobody.  The watchdog is fed from the main loop while `is_well()` says that the
 * others go on too, so any loop that hangs is noticed; its period is half of $WATCHDOG_USEC.
 */
struct notify {
    int channel; /* to the supervisor; -1: none */
};

enum { NOTIFY_MAX_BYTES = 512 };

/* "READY=1", "STOPPING=1", "STATUS=…"; false when there is nobody to tell or it could not be told.
 */
bool notify_send(const struct notify *notify, const char *state);
/* "FDSTORE=1\nFDNAME=…" with the descriptor, which stays ours too. */
bool notify_send_fd(const struct notify *notify, const char *state, int fd);
/* What came on a channel, NUL-terminated, `*ret_fd` the descriptor with it or -1.
 * > 0 its size, 0 the other side is gone, -errno (-EAGAIN: nothing now). */
int notify_receive(int channel, char ret_state[static NOTIFY_MAX_BYTES], int *ret_fd) MUST_USE;
/* True when one of the lines is exactly `line`: "READY=1". */
bool notify_says(const char *state, const char *line);
/* The rest of the line that begins with `key` ("FDNAME="), cut to fit; false when there is none. */
bool notify_value(const char *state, const char *key, char *ret_value, size_t capacity) MUST_USE;

struct notify_watchdog {
    struct loop_timer timer;
    struct loop *loop;
    const struct notify *notify;
    bool (*is_well)(void *context);
    void *context;
    uint64_t period_us; /* 0: nobody asked */
};
void notify_watchdog_start(struct notify_watchdog *watchdog, const struct notify *notify,
                           struct loop *loop, bool (*is_well)(void *context), void *context);
void notify_watchdog_stop(struct notify_watchdog *watchdog);
