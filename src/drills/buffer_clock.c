// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/buffer_clock.h"

__extension__ typedef unsigned __int128 wide; /* bytes × microseconds */

void buffer_clock_start(struct buffer_clock *clock, uint64_t size_bytes, uint32_t duration_ms,
                        uint32_t speed, uint64_t now_us)
{
    *clock = (struct buffer_clock){
        .size_bytes = size_bytes ? size_bytes : 1,
        .duration_us = (duration_ms ? duration_ms : 1) * UINT64_C(1000),
        .since_us = now_us,
        .looked_us = now_us,
        .speed = speed ? speed : 1,
        .state = CLOCK_WAITING,
    };
}

/* Music that has come so far. */
static uint64_t came_us(const struct buffer_clock *clock)
{
    if (clock->got_bytes >= clock->size_bytes)
        return clock->duration_us;
    return (uint64_t)((wide)clock->got_bytes * clock->duration_us / clock->size_bytes);
}

static bool has_enough(const struct buffer_clock *clock)
{
    uint64_t came = came_us(clock);
    return came == clock->duration_us ||
           came - clock->played_us >= CLOCK_ENOUGH_MS * UINT64_C(1000);
}

static void enter(struct buffer_clock *clock, enum clock_state state, uint64_t at_us)
{
    clock->state = (uint8_t)state;
    clock->since_us = at_us;
}

void buffer_clock_follow(struct buffer_clock *clock, uint64_t size_bytes, uint32_t duration_ms,
                         uint32_t speed, uint64_t got_bytes, uint64_t now_us)
{
    buffer_clock_start(clock, size_bytes, duration_ms, speed, now_us);
    clock->got_bytes = got_bytes;
    enter(clock, has_enough(clock) ? CLOCK_SOUNDING : CLOCK_SILENT, now_us);
}

struct clock_change buffer_clock_look(struct buffer_clock *clock, uint64_t now_us)
{
    struct clock_change change = {0};
    uint64_t from_us = clock->looked_us;
    clock->looked_us = now_us;
    if (clock->state != CLOCK_SOUNDING)
        return change;
    uint64_t could_us = (now_us - from_us) * clock->speed,
             has_us = came_us(clock) - clock->played_us;
    if (could_us < has_us) {
        clock->played_us += could_us;
        return change;
    }
    clock->played_us += has_us;
    change.is_over = clock->played_us == clock->duration_us;
    enter(clock, change.is_over ? CLOCK_OVER : CLOCK_SILENT, from_us + has_us / clock->speed);
    return change;
}

struct clock_change buffer_clock_feed(struct buffer_clock *clock, uint64_t got_bytes,
                                      uint64_t now_us)
{
    struct clock_change change = buffer_clock_look(clock, now_us);
    clock->got_bytes = got_bytes;
    if ((clock->state != CLOCK_WAITING && clock->state != CLOCK_SILENT) || !has_enough(clock))
        return change;
    uint64_t waited_us = now_us - clock->since_us;
    change.has_started = clock->state == CLOCK_WAITING;
    change.has_gap = clock->state == CLOCK_SILENT;
    if (change.has_started)
        change.started_ms = (uint32_t)(waited_us / 1000);
    else
        change.gap_ms = (uint32_t)(waited_us * clock->speed / 1000);
    enter(clock, CLOCK_SOUNDING, now_us);
    return change;
}

uint32_t buffer_clock_ahead_ms(const struct buffer_clock *clock)
{
    return (uint32_t)((came_us(clock) - clock->played_us) / 1000);
}

uint32_t buffer_clock_played_ms(const struct buffer_clock *clock)
{
    return (uint32_t)(clock->played_us / 1000);
}

uint32_t buffer_clock_silent_ms(const struct buffer_clock *clock, uint64_t now_us)
{
    if (clock->state != CLOCK_SILENT || now_us < clock->since_us)
        return 0;
    return (uint32_t)((now_us - clock->since_us) * clock->speed / 1000);
}

uint64_t buffer_clock_reaches_us(const struct buffer_clock *clock, uint32_t at_ms)
{
    uint64_t at_us = at_ms * UINT64_C(1000);
    if (at_us <= clock->played_us)
        return clock->looked_us;
    if (clock->state != CLOCK_SOUNDING || at_us > came_us(clock))
        return UINT64_MAX;
    return clock->looked_us + (at_us - clock->played_us) / clock->speed;
}

uint64_t buffer_clock_empty_us(const struct buffer_clock *clock)
{
    if (clock->state != CLOCK_SOUNDING)
        return UINT64_MAX;
    return clock->looked_us + (came_us(clock) - clock->played_us) / clock->speed + 1;
}
