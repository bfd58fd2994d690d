// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * probe: origins are asked how they are, also when nobody needs them.
 *
 * Each is asked for one path by itself, on one loop, over a connection of its own, every
 * probe_interval_ms with jitter; what it says goes where listeners' requests report too
 * (edge/origin.h), so one that died in a quiet hour is dead before the first listener waits for it,
 * and one that came back is used before anybody asks.  The breaker's rule is everybody's: a dead
 * origin gets one request in breaker_probe_ms, this one or a listener's.  Good is any answer below
 * 500.
 */
struct probes;
struct origins;
struct loop;
struct workers;

/* All borrowed.  NULL: a CA file that cannot be read, see `why`. */
struct probes *probes_start(struct origins *origins, struct loop *loop, struct workers *resolvers,
                            const char *path, char *why, size_t why_size) MUST_USE;
void probes_stop(struct probes **probes); /* accepts NULL inside; on the loop's thread */
