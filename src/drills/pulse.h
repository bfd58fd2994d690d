// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * pulse: asks a node on loopback whether it lives, again and again, and keeps how long it did not
 * answer.  One question at a time, each on a connection of its own, past any proxy.
 *
 * A time without an answer begins when the first question that stays without one is asked, and ends
 * with the next 200.
 */
enum { PULSE_EVERY_MS = 100, PULSE_AGAIN_MS = 20, PULSE_PATIENCE_MS = 2000 };

struct pulse {
    struct loop *loop;
    struct loop_watch watch; /* fd -1: no question under way */
    struct loop_timer timer;
    uint16_t port;
    bool is_asked;       /* the question is written */
    uint64_t asked_us;   /* this question */
    uint64_t silent_us;  /* since when nobody answers; 0: all is well */
    uint64_t longest_us; /* of all times without an answer that ended */
};

void pulse_start(struct pulse *pulse, struct loop *loop, uint16_t port);
void pulse_stop(struct pulse *pulse); /* a zeroed one, too */
/* How long it is silent now, and at most so far, with the present one. */
uint64_t pulse_silent_ms(const struct pulse *pulse, uint64_t now_us);
uint64_t pulse_longest_ms(const struct pulse *pulse, uint64_t now_us);
