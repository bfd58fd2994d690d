// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/buffer_clock.h"
#include "tap.h"

/* 100 s of 10,000 bytes each; time in milliseconds for reading */
enum { SECOND_BYTES = 10000, SIZE = 100 * SECOND_BYTES, DURATION_MS = 100000 };
#define MS(ms) ((ms)*UINT64_C(1000))

static struct buffer_clock tapped(unsigned speed)
{
    struct buffer_clock clock;
    buffer_clock_start(&clock, SIZE, DURATION_MS, speed, MS(1000));
    return clock;
}

static void starting(void)
{
    struct buffer_clock clock = tapped(1);
    struct clock_change change = buffer_clock_feed(&clock, SECOND_BYTES / 5, MS(1100));
    OK(!change.has_started && clock.state == CLOCK_WAITING, "a fifth of a second is not enough");
    change = buffer_clock_feed(&clock, SECOND_BYTES, MS(1234));
    OK(change.has_started && change.started_ms == 234, "sound begins so long after the tap");
    (void)buffer_clock_look(&clock, MS(1734));
    OK(buffer_clock_played_ms(&clock) == 500 && buffer_clock_ahead_ms(&clock) == 500,
       "and drains what came in real time");
}

static void gaps(void)
{
    struct buffer_clock clock = tapped(1);
    (void)buffer_clock_feed(&clock, 2 * SECOND_BYTES, MS(1000));
    OK(buffer_clock_empty_us(&clock) == MS(3000) + 1, "it tells when it will be empty");
    struct clock_change change = buffer_clock_look(&clock, MS(2999));
    OK(clock.state == CLOCK_SOUNDING && !change.has_gap, "before, it sounds");
    (void)buffer_clock_look(&clock, MS(9000));
    OK(clock.state == CLOCK_SILENT && buffer_clock_silent_ms(&clock, MS(9000)) == 6000,
       "silence began when the buffer ran out, not when somebody looked");
    change = buffer_clock_feed(&clock, 2 * SECOND_BYTES + 1, MS(9500));
    OK(!change.has_gap && clock.state == CLOCK_SILENT, "a byte does not end it");
    change = buffer_clock_feed(&clock, 3 * SECOND_BYTES, MS(10000));
    OK(change.has_gap && change.gap_ms == 7000, "enough music does");
    (void)buffer_clock_look(&clock, MS(10400));
    OK(buffer_clock_played_ms(&clock) == 2400, "silence is not played");
}

static void ends(void)
{
    struct buffer_clock clock = tapped(1);
    (void)buffer_clock_feed(&clock, SIZE, MS(1000));
    OK(buffer_clock_reaches_us(&clock, 50000) == MS(51000), "it tells when a place is reached");
    struct clock_change change = buffer_clock_look(&clock, MS(101000));
    OK(change.is_over && clock.state == CLOCK_OVER, "a whole track is over, not silent");
    change = buffer_clock_look(&clock, MS(200000));
    OK(!change.is_over && buffer_clock_silent_ms(&clock, MS(200000)) == 0, "once");
    clock = tapped(1);
    (void)buffer_clock_feed(&clock, SIZE - 2 * SECOND_BYTES, MS(1000));
    (void)buffer_clock_look(&clock, MS(99500));
    change = buffer_clock_feed(&clock, SIZE, MS(99501));
    OK(change.has_gap && change.gap_ms == 501, "the last bytes are enough however few");
}

static void following(void)
{
    struct buffer_clock clock;
    buffer_clock_follow(&clock, SIZE, DURATION_MS, 1, SECOND_BYTES, MS(5000));
    OK(clock.state == CLOCK_SOUNDING, "the next track sounds at once when its beginning is there");
    buffer_clock_follow(&clock, SIZE, DURATION_MS, 1, 0, MS(5000));
    struct clock_change change = buffer_clock_feed(&clock, SECOND_BYTES, MS(5700));
    OK(change.has_gap && change.gap_ms == 700 && !change.has_started,
       "and is a gap after the last one when it is not");
}

static void speeds(void)
{
    struct buffer_clock clock = tapped(10);
    (void)buffer_clock_feed(&clock, 10 * SECOND_BYTES, MS(1000));
    (void)buffer_clock_look(&clock, MS(3000));
    OK(buffer_clock_silent_ms(&clock, MS(3000)) == 10000,
       "at ten times the speed ten seconds last one, and gaps are told in time of music");
    clock = tapped(1);
    buffer_clock_start(&clock, 0, 0, 0, 0);
    OK(buffer_clock_feed(&clock, 5, MS(1)).has_started, "nothing divides by nothing");
}

int main(void)
{
    starting();
    gaps();
    ends();
    following();
    speeds();
    return tap_done();
}
