// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/scenario.h"

/*
 * fault_line: one direction of a bad line, in virtual time.  Bytes go in, and come out later,
 * slower, in slices, with wrong bits, or no more.  Pure: no clock, no socket; the same seed gives
 * the same line.
 *
 *     room ──▶ push ──▶ [packets, each with its due time] ──▶ due, take
 *
 * Order stays, as TCP's does.  A lost packet is one that comes late with all behind it, because
 * TCP sends it again.  What waits is bounded: a line without room is not read from, so a slow line
 * is felt by its sender.
 */
enum {
    FAULT_LINE_BYTES = 64 * 1024, /* waiting at most */
    FAULT_LINE_PACKETS = 64,
    FAULT_LINE_PACKET_BYTES = 1460,
};

/* What a line suffers; all zero is a good one. */
struct fault_toxics {
    uint32_t delay_ms, jitter_ms;
    uint32_t rate_kbit;
    uint32_t stall_percent, stall_ms;
    uint32_t slice_bytes, slice_ms;
    uint32_t corrupt_bytes; /* one wrong bit in so many bytes, on average */
    uint64_t truncate_bytes;
    uint32_t reset_ms;
    bool is_truncated, is_reset, is_hole;
};
/* Adds what that fault of a scenario does. */
void fault_toxics_add(struct fault_toxics *toxics, const struct scenario_fault *fault);

struct fault_line {
    struct fault_toxics toxics;
    uint64_t random;
    char *bytes; /* a ring, only while something waits */
    size_t begin, size;
    struct fault_packet {
        uint64_t due_us;
        size_t size;
    } packets[FAULT_LINE_PACKETS]; /* a ring too */
    size_t first_packet, packet_count;
    uint64_t wire_free_us; /* when the last packet has left a line of that rate */
    uint64_t last_due_us;  /* nothing overtakes */
    uint64_t since_us;     /* of the toxics */
    uint64_t taken_since;  /* bytes since then */
    uint64_t until_wrong;  /* bytes to the next wrong bit */
    uint64_t spoilt;       /* bits that were turned */
};

void fault_line_init(struct fault_line *line, uint64_t seed, uint64_t now_us);
void fault_line_release(struct fault_line *line);
/* From now on; what waits keeps its time. */
void fault_line_set(struct fault_line *line, const struct fault_toxics *toxics, uint64_t now_us);

size_t fault_line_room(const struct fault_line *line); /* bytes that it takes now */
void fault_line_push(struct fault_line *line, const char *bytes, size_t size, uint64_t now_us);
/* Bytes whose time has come, as far as they lie in one piece; then take what could be sent. */
struct text fault_line_due(const struct fault_line *line, uint64_t now_us);
void fault_line_take(struct fault_line *line, size_t size);
uint64_t fault_line_next_us(const struct fault_line *line); /* UINT64_MAX: nothing waits */

enum fault_line_end { FAULT_LINE_OPEN, FAULT_LINE_TRUNCATED, FAULT_LINE_RESET };
enum fault_line_end fault_line_end(const struct fault_line *line, uint64_t now_us);
