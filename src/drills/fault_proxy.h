// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/scenario.h"

/*
 * fault_proxy: a TCP proxy between listeners and a server on loopback, whose lines a drill spoils.
 *
 * A thread and loop of its own.  Faults begin and end while it runs, for connections that stand and
 * for new ones.  A connection is hit when its luck, 0 to 99 and drawn from the seed at accept, is
 * below the fault's share: the same connections have bad luck all the time.  Each direction is a
 * fault_line.  It only ever connects to 127.0.0.1.
 *
 * A connection holds at most two lines of 64 KiB, and those only while something waits.
 */
struct fault_proxy;

enum { FAULT_PROXY_MAX_CONNECTIONS = 20000 };

struct fault_proxy_figures {
    uint64_t connections, refused_for_good; /* the server did not take it, or we were full */
    uint64_t bytes_down, bytes_up;
    uint64_t hits[FAULT_KINDS]; /* connections that a fault of that kind touched; wrong bits */
    uint32_t connections_now;
};

/* NULL with errno set. */
struct fault_proxy *fault_proxy_start(uint16_t server_port, uint64_t seed) MUST_USE;
uint16_t fault_proxy_port(const struct fault_proxy *proxy); /* on 127.0.0.1 */
/* From one thread, the drill's.  At most SCENARIO_MAX_FAULTS at a time; the fault is copied. */
void fault_proxy_begin(struct fault_proxy *proxy, const struct scenario_fault *fault);
void fault_proxy_end(struct fault_proxy *proxy, const struct scenario_fault *fault);
void fault_proxy_figures(struct fault_proxy *proxy, struct fault_proxy_figures *ret);
void fault_proxy_stop(struct fault_proxy **proxy); /* accepts NULL inside; cuts what stands */
