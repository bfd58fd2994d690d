// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * health: one origin's circuit breaker.  Pure: no clock, no I/O, no lock.
 *
 *             failures in a row                 a probe is due and asked for
 *     GOOD ───────────────────────▶ DEAD ─────────────────────────────────▶ PROBED
 *       ▲                            ▲                 fails, or is lost      │  │
 *       │                            └────────────────────────────────────────┘  │
 *       └──────────────────────────────── answers ──────────────────────────────-┘
 *
 * A dead origin is asked by one request at a time and at most once in `probe_us`: the request of
 * somebody who needs it anyway serves as the probe.  Any answer but 502, 503 and 504 is a success.
 */
enum health_state { HEALTH_GOOD, HEALTH_DEAD, HEALTH_PROBED };

struct health_limits {
    uint32_t failures; /* in a row */
    uint64_t probe_us;
};

struct health {
    enum health_state state;
    uint32_t failures;     /* in a row */
    uint64_t may_probe_us; /* DEAD: not before; PROBED: then the probe is taken for lost */
    uint64_t answered_us;  /* last */
};

enum health_verdict {
    HEALTH_ASK,   /* go on, and report */
    HEALTH_PROBE, /* the same, alone: nobody else may until it is reported */
    HEALTH_REFUSE,
};

/* A HEALTH_PROBE must be reported, or given up. */
enum health_verdict health_ask(struct health *health, const struct health_limits *limits,
                               uint64_t now_us) MUST_USE;
bool health_status_is_failure(unsigned status);
void health_succeed(struct health *health, uint64_t now_us);
/*
 * `known_us` is when the origin was last known to be silent or worse: now, but for a silence, which
 * says no more than when it was asked: what hung before an origin came back is no news when it
 * times out.  `jitter_us` is added to the time until the next probe.
 */
void health_fail(struct health *health, const struct health_limits *limits, uint64_t known_us,
                 uint64_t now_us, uint64_t jitter_us);
/* A probe ended without saying anything of the origin (cancelled): the next may go at once. */
void health_give_up(struct health *health, uint64_t now_us);
