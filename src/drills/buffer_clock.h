// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * buffer_clock: what an ear hears of one track while its bytes come in.
 *
 *   WAITING ──enough──▶ SOUNDING ──bytes ran out──▶ SILENT ──enough──▶ SOUNDING … ──▶ OVER
 *
 * Bytes are seconds by the track's own length and size.  Sound begins, and begins again, once
 * CLOCK_ENOUGH_MS of it lie ahead, or all that is left.  Silence begins at the very instant at
 * which the buffer is empty, however late somebody looks.  Pure: time enters as `now_us`, never
 * going back; `speed` is how much faster than real time the music runs.
 */
enum { CLOCK_ENOUGH_MS = 250, CLOCK_START_LIMIT_MS = 2000, CLOCK_GAP_LIMIT_MS = 200 };
enum clock_state { CLOCK_WAITING, CLOCK_SOUNDING, CLOCK_SILENT, CLOCK_OVER };

struct buffer_clock {
    uint64_t size_bytes, got_bytes;
    uint64_t duration_us, played_us; /* of music */
    uint64_t since_us;               /* real: of the present state */
    uint64_t looked_us;              /* real: played_us is true for this instant */
    uint32_t speed;
    uint8_t state;
};

/* The tap.  A size or length of 0 counts as 1. */
void buffer_clock_start(struct buffer_clock *clock, uint64_t size_bytes, uint32_t duration_ms,
                        uint32_t speed, uint64_t now_us);
/*
 * The same for a track that follows another without a tap: what was got ahead sounds at once, else
 * it is silent from `now_us` on.
 */
void buffer_clock_follow(struct buffer_clock *clock, uint64_t size_bytes, uint32_t duration_ms,
                         uint32_t speed, uint64_t got_bytes, uint64_t now_us);

/*
 * How the state changed.  A gap's length is in time of music (real time × speed); stops of up to
 * CLOCK_GAP_LIMIT_MS are told too, the caller judges.
 */
struct clock_change {
    bool has_started; /* first sound; started_ms is real time since the tap */
    uint32_t started_ms;
    bool has_gap; /* a silence ended */
    uint32_t gap_ms;
    bool is_over; /* the last second was heard */
};
/* Bytes in all so far. */
struct clock_change buffer_clock_feed(struct buffer_clock *clock, uint64_t got_bytes,
                                      uint64_t now_us);
struct clock_change buffer_clock_look(struct buffer_clock *clock, uint64_t now_us);

uint32_t buffer_clock_ahead_ms(const struct buffer_clock *clock);  /* of music, as last looked */
uint32_t buffer_clock_played_ms(const struct buffer_clock *clock); /* the same */
/* How long it has been silent by now, in time of music; 0 when it is not. */
uint32_t buffer_clock_silent_ms(const struct buffer_clock *clock, uint64_t now_us);
/* When, with no more bytes and in real time, `at_ms` of the music is reached; UINT64_MAX: not. */
uint64_t buffer_clock_reaches_us(const struct buffer_clock *clock, uint32_t at_ms);
/* When the buffer will be empty, or the track over; UINT64_MAX unless it sounds. */
uint64_t buffer_clock_empty_us(const struct buffer_clock *clock);
