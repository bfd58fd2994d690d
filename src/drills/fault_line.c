// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/fault_line.h"

#include "base/mem.h"
#include <assert.h>
#include <string.h>

void fault_toxics_add(struct fault_toxics *toxics, const struct scenario_fault *fault)
{
    switch (fault->kind) {
    case FAULT_DELAY:
        toxics->delay_ms += (uint32_t)fault->delay_ms;
        toxics->jitter_ms += (uint32_t)fault->jitter_ms;
        break;
    case FAULT_RATE:
        toxics->rate_kbit = (uint32_t)fault->rate_kbit;
        break;
    case FAULT_STALL:
        toxics->stall_percent = (uint32_t)fault->stall_percent;
        toxics->stall_ms = (uint32_t)fault->delay_ms;
        break;
    case FAULT_SLICE:
        toxics->slice_bytes = (uint32_t)fault->bytes;
        toxics->slice_ms = (uint32_t)fault->delay_ms;
        break;
    case FAULT_CORRUPT:
        toxics->corrupt_bytes = (uint32_t)fault->bytes;
        break;
    case FAULT_TRUNCATE:
        toxics->is_truncated = true;
        toxics->truncate_bytes = (uint64_t)fault->bytes;
        break;
    case FAULT_RESET:
        toxics->is_reset = true;
        toxics->reset_ms = (uint32_t)fault->delay_ms;
        break;
    case FAULT_BLACK_HOLE:
        toxics->is_hole = true;
        break;
    default: /* the server's, or refuse, which is the proxy's own */
        break;
    }
}

/* splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere. */
static uint64_t draw(struct fault_line *line)
{
    uint64_t z = line->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void draw_wrong(struct fault_line *line)
{
    uint64_t mean = line->toxics.corrupt_bytes;
    line->until_wrong = mean ? draw(line) % (2 * mean) : UINT64_MAX;
}

void fault_line_init(struct fault_line *line, uint64_t seed, uint64_t now_us)
{
    *line = (struct fault_line){.random = seed, .since_us = now_us, .until_wrong = UINT64_MAX};
}

void fault_line_release(struct fault_line *line) { mem_free_p(&line->bytes); }

void fault_line_set(struct fault_line *line, const struct fault_toxics *toxics, uint64_t now_us)
{
    line->toxics = *toxics;
    line->since_us = now_us;
    line->taken_since = 0;
    line->wire_free_us = now_us;
    draw_wrong(line);
}

/* Into how large pieces the line cuts; SIZE_MAX: none. */
static size_t piece_bytes(const struct fault_toxics *toxics)
{
    if (toxics->slice_bytes)
        return toxics->slice_bytes;
    bool is_cut = toxics->rate_kbit || toxics->stall_percent || toxics->jitter_ms;
    return is_cut ? FAULT_LINE_PACKET_BYTES : SIZE_MAX;
}

/* A slow line holds a quarter of a second: a longer queue would hide that it is slow. */
static size_t most_waiting(const struct fault_toxics *toxics)
{
    uint64_t most = FAULT_LINE_BYTES;
    if (toxics->rate_kbit && toxics->rate_kbit * UINT64_C(125) / 4 < most)
        most = toxics->rate_kbit * UINT64_C(125) / 4;
    return most < 2 * FAULT_LINE_PACKET_BYTES ? 2 * FAULT_LINE_PACKET_BYTES : (size_t)most;
}

size_t fault_line_room(const struct fault_line *line)
{
    size_t most = most_waiting(&line->toxics), piece = piece_bytes(&line->toxics);
    size_t packets = FAULT_LINE_PACKETS - line->packet_count;
    if (line->toxics.is_hole || line->size >= most || packets == 0)
        return 0;
    size_t room = most - line->size;
    return piece < room / packets ? piece * packets : room;
}

static uint64_t due_of(struct fault_line *line, size_t size, uint64_t now_us)
{
    const struct fault_toxics *toxics = &line->toxics;
    uint64_t due_us = now_us;
    if (toxics->rate_kbit) {
        if (line->wire_free_us < now_us)
            line->wire_free_us = now_us;
        due_us = line->wire_free_us += size * UINT64_C(8000) / toxics->rate_kbit;
    }
    due_us += toxics->delay_ms * UINT64_C(1000);
    if (toxics->jitter_ms)
        due_us += draw(line) % (toxics->jitter_ms * UINT64_C(1000) + 1);
    if (toxics->slice_bytes && due_us < line->last_due_us + toxics->slice_ms * UINT64_C(1000))
        due_us = line->last_due_us + toxics->slice_ms * UINT64_C(1000);
    if (toxics->stall_percent && draw(line) % 100 < toxics->stall_percent)
        due_us += toxics->stall_ms * UINT64_C(1000);
    if (due_us < line->last_due_us)
        due_us = line->last_due_us;
    return line->last_due_us = due_us;
}

static void spoil(struct fault_line *line, char *bytes, size_t size)
{
    while (line->until_wrong < size) {
        size_t at = (size_t)line->until_wrong;
        bytes[at] = (char)(bytes[at] ^ (1 << draw(line) % 8));
        line->spoilt++;
        uint64_t before = line->until_wrong;
        draw_wrong(line);
        line->until_wrong += before + 1;
    }
    if (line->until_wrong != UINT64_MAX)
        line->until_wrong -= size;
}

/* One packet; the ring may wrap within it. */
static void push_packet(struct fault_line *line, const char *bytes, size_t size, uint64_t now_us)
{
    size_t end = (line->begin + line->size) % FAULT_LINE_BYTES;
    size_t straight = size < FAULT_LINE_BYTES - end ? size : FAULT_LINE_BYTES - end;
    memcpy(line->bytes + end, bytes, straight);
    memcpy(line->bytes, bytes + straight, size - straight);
    spoil(line, line->bytes + end, straight);
    spoil(line, line->bytes, size - straight);
    line->size += size;
    size_t at = (line->first_packet + line->packet_count++) % FAULT_LINE_PACKETS;
    line->packets[at] = (struct fault_packet){due_of(line, size, now_us), size};
}

void fault_line_push(struct fault_line *line, const char *bytes, size_t size, uint64_t now_us)
{
    assert(size <= fault_line_room(line));
    size_t piece = piece_bytes(&line->toxics);
    if (!line->bytes)
        line->bytes = mem_alloc(FAULT_LINE_BYTES);
    while (size > 0) {
        size_t part = size < piece ? size : piece;
        push_packet(line, bytes, part, now_us);
        bytes += part;
        size -= part;
    }
}

struct text fault_line_due(const struct fault_line *line, uint64_t now_us)
{
    size_t due = 0;
    for (size_t i = 0; i < line->packet_count && !line->toxics.is_hole; i++) {
        const struct fault_packet *packet =
            &line->packets[(line->first_packet + i) % FAULT_LINE_PACKETS];
        if (packet->due_us > now_us)
            break;
        due += packet->size;
    }
    if (line->toxics.is_truncated && due > line->toxics.truncate_bytes - line->taken_since)
        due = (size_t)(line->toxics.truncate_bytes - line->taken_since);
    if (due > FAULT_LINE_BYTES - line->begin)
        due = FAULT_LINE_BYTES - line->begin;
    return due ? text_make(line->bytes + line->begin, due) : TEXT_NONE;
}

void fault_line_take(struct fault_line *line, size_t size)
{
    line->begin = (line->begin + size) % FAULT_LINE_BYTES;
    line->size -= size;
    line->taken_since += size;
    while (size > 0) {
        struct fault_packet *packet = &line->packets[line->first_packet];
        size_t part = size < packet->size ? size : packet->size;
        packet->size -= part;
        size -= part;
        if (packet->size == 0) {
            line->first_packet = (line->first_packet + 1) % FAULT_LINE_PACKETS;
            line->packet_count--;
        }
    }
    if (line->size == 0) {
        line->begin = 0;
        mem_free_p(&line->bytes);
    }
}

uint64_t fault_line_next_us(const struct fault_line *line)
{
    uint64_t next_us = UINT64_MAX;
    if (line->packet_count > 0 && !line->toxics.is_hole)
        next_us = line->packets[line->first_packet].due_us;
    uint64_t reset_us = line->since_us + line->toxics.reset_ms * UINT64_C(1000);
    return line->toxics.is_reset && reset_us < next_us ? reset_us : next_us;
}

enum fault_line_end fault_line_end(const struct fault_line *line, uint64_t now_us)
{
    const struct fault_toxics *toxics = &line->toxics;
    if (toxics->is_reset && now_us >= line->since_us + toxics->reset_ms * UINT64_C(1000))
        return FAULT_LINE_RESET;
    return toxics->is_truncated && line->taken_since >= toxics->truncate_bytes
               ? FAULT_LINE_TRUNCATED
               : FAULT_LINE_OPEN;
}
