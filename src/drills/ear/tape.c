// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ear/tape.h"

#include "base/mem.h"
#include <stdio.h>
#include <string.h>

enum { WAV_HEADER_BYTES = 44, SAMPLE_BYTES = 2, SILENCE_FRAMES = 1024, COMPACT_BYTES = 1 << 20 };

struct tape {
    const struct tape_source *source;
    FILE *wav;
    struct buffer waiting;
    size_t taken; /* of waiting: played already */
    uint64_t began_us;
    uint64_t gap_frames; /* of the gap that lasts */
    bool has_begun, has_failed;
    struct tape_figures figures;
};

static size_t frame_bytes(const struct tape *tape) { return tape->source->channels * SAMPLE_BYTES; }

static size_t waiting_frames(const struct tape *tape)
{
    return (tape->waiting.size - tape->taken) / frame_bytes(tape);
}

uint64_t tape_ms(const struct tape *tape, uint64_t frames)
{
    return frames * 1000 / tape->source->rate;
}

/* --- the WAV: RIFF, one fmt chunk of PCM, one data chunk; sizes are known at the end --- */

static void write_header(struct tape *tape, uint64_t frames)
{
    uint32_t rate = tape->source->rate, data = (uint32_t)(frames * frame_bytes(tape));
    struct buffer header;
    buffer_init(&header, WAV_HEADER_BYTES);
    buffer_text(&header, TEXT("RIFF"));
    buffer_u32(&header, data + WAV_HEADER_BYTES - 8);
    buffer_text(&header, TEXT("WAVEfmt "));
    buffer_u32(&header, 16);
    buffer_u16(&header, 1);
    buffer_u16(&header, (uint16_t)tape->source->channels);
    buffer_u32(&header, rate);
    buffer_u32(&header, (uint32_t)(rate * frame_bytes(tape)));
    buffer_u16(&header, (uint16_t)frame_bytes(tape));
    buffer_u16(&header, 8 * SAMPLE_BYTES);
    buffer_text(&header, TEXT("data"));
    buffer_u32(&header, data);
    tape->has_failed |= fwrite(header.data, 1, header.size, tape->wav) != header.size;
    buffer_release(&header);
}

static void write_frames(struct tape *tape, const char *bytes, size_t frames)
{
    if (tape->wav)
        tape->has_failed |= fwrite(bytes, frame_bytes(tape), frames, tape->wav) != frames;
}

/* --- playing --- */

/* What sounds, against what should sound just now. */
static void compare(struct tape *tape, const char *bytes, size_t frames)
{
    const struct buffer *source = &tape->source->samples;
    size_t size = frame_bytes(tape), all = source->size / size;
    for (size_t i = 0; i < frames; i++) {
        uint64_t at = tape->figures.heard_frames + i;
        tape->figures.wrong_frames +=
            at >= all || memcmp(bytes + i * size, source->data + at * size, size) != 0;
    }
}

static void sound(struct tape *tape, size_t frames)
{
    const char *bytes = tape->waiting.data + tape->taken;
    if (frames == 0)
        return;
    compare(tape, bytes, frames);
    write_frames(tape, bytes, frames);
    tape->taken += frames * frame_bytes(tape);
    tape->figures.heard_frames += frames;
    tape->figures.is_silent_now = false;
    tape->gap_frames = 0;
    if (tape->taken > COMPACT_BYTES) {
        buffer_consume(&tape->waiting, tape->taken);
        tape->taken = 0;
    }
}

static void be_silent(struct tape *tape, uint64_t frames)
{
    static const char silence[SILENCE_FRAMES * 2 * SAMPLE_BYTES];
    struct tape_figures *figures = &tape->figures;
    if (!figures->is_silent_now) {
        figures->gaps++;
        if (figures->gaps == 1)
            figures->first_gap_at_frame = figures->heard_frames + figures->silent_frames;
    }
    figures->is_silent_now = true;
    figures->silent_frames += frames;
    tape->gap_frames += frames;
    if (tape->gap_frames > figures->longest_gap_frames)
        figures->longest_gap_frames = tape->gap_frames;
    while (frames > 0) {
        size_t some = frames < SILENCE_FRAMES ? (size_t)frames : SILENCE_FRAMES;
        write_frames(tape, silence, some);
        frames -= some;
    }
}

void tape_play(struct tape *tape, uint64_t now_us)
{
    struct tape_figures *figures = &tape->figures;
    size_t all = tape->source->samples.size / frame_bytes(tape);
    if (!tape->has_begun && waiting_frames(tape) == 0)
        return;
    if (!tape->has_begun)
        tape->began_us = now_us;
    tape->has_begun = true;
    if (figures->is_over)
        return;
    uint64_t until = (now_us - tape->began_us) * tape->source->rate / 1000000;
    uint64_t due = until - figures->heard_frames - figures->silent_frames;
    size_t there = waiting_frames(tape);
    sound(tape, due < there ? (size_t)due : there);
    figures->is_over = figures->heard_frames >= all;
    if (due > there && !figures->is_over)
        be_silent(tape, due - there);
}

/* --- life --- */

struct tape *tape_open(const char *path, const struct tape_source *source)
{
    FILE *wav = path ? fopen(path, "wbe") : NULL;
    if (path && !wav)
        return NULL;
    struct tape *tape = MEM_NEW(struct tape);
    tape->source = source;
    tape->wav = wav;
    tape->figures.first_gap_at_frame = UINT64_MAX;
    buffer_init(&tape->waiting, TAPE_MAX_WAITING_BYTES);
    if (wav)
        write_header(tape, 0);
    return tape;
}

bool tape_put(struct tape *tape, struct text samples)
{
    buffer_text(&tape->waiting, samples);
    return !tape->waiting.overflowed && samples.size % frame_bytes(tape) == 0;
}

uint32_t tape_ahead_ms(const struct tape *tape)
{
    return (uint32_t)tape_ms(tape, waiting_frames(tape));
}

bool tape_has_begun(const struct tape *tape) { return tape->has_begun; }
const struct tape_figures *tape_figures(const struct tape *tape) { return &tape->figures; }

bool tape_close(struct tape **tape_p)
{
    struct tape *tape = *tape_p;
    bool is_good = true;
    if (!tape)
        return true;
    if (tape->wav) {
        tape->has_failed |= fseek(tape->wav, 0, SEEK_SET) != 0;
        write_header(tape, tape->figures.heard_frames + tape->figures.silent_frames);
        tape->has_failed |= fclose(tape->wav) != 0;
        is_good = !tape->has_failed;
    }
    buffer_release(&tape->waiting);
    mem_free_p(tape_p);
    return is_good;
}
