// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * counters: numbers a process keeps about itself, listed in counters.def.
 * Safe from every thread, and cheap: each counts on cache lines of its own, which a reader sums.  A
 * reader sees each number, not a moment.
 */
enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#define GAUGE(id, name, help) COUNTER_##id,
#define MICROSECONDS(id, name, help) COUNTER_##id,
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef MICROSECONDS
    COUNTER_COUNT
};

void counter_add(enum counter counter, int64_t amount);
void counter_set(enum counter counter, int64_t value); /* gauges only */
int64_t counter_get(enum counter counter);

/* Prometheus text exposition format 0.0.4, every name prefixed "sostenuto_". */
void counters_write_prometheus(struct buffer *out);
