// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * silence: whether who does not answer one request is merely slow with it, or has fallen silent.
 * Pure.
 *
 * A request that has waited as long as anybody should is heard: when nobody at all was answered
 * in all that time it is silence, which holds for everybody until an answer comes.
 */
struct silence {
    uint64_t answered_us; /* the last time; 0: never */
    bool is_silent;
};

static inline void silence_end(struct silence *silence, uint64_t now_us)
{
    silence->is_silent = false;
    silence->answered_us = now_us;
}

static inline bool silence_hear(struct silence *silence, uint64_t waited_us, uint64_t now_us)
{
    silence->is_silent |= silence->answered_us + waited_us <= now_us;
    return silence->is_silent;
}
