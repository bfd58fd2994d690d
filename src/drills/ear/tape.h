// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * tape: a loudspeaker that remembers.  What is put in plays in real time, sample by sample, into a
 * WAV file; when nothing is there it plays silence, and that is a gap.
 *
 *   put ──▶ waiting ──play(now)──▶ WAV, compared with the source as it sounds
 *
 * Samples are 16 bits, interleaved; a frame is one of each channel.  Time enters as `now_us` and
 * begins with the first play() that finds music: waiting for that is the start, not a gap.  At the
 * source's end it is over, and the silence behind it is no gap.  The source is borrowed.
 */
enum { TAPE_MAX_WAITING_BYTES = 64 << 20 };

struct tape_source {
    struct buffer samples;
    uint32_t rate, channels;
};

struct tape_figures {
    uint64_t heard_frames, silent_frames, wrong_frames;
    uint64_t gaps, longest_gap_frames;
    uint64_t first_gap_at_frame; /* of time played, silence and all; UINT64_MAX: none */
    bool is_silent_now, is_over;
};

struct tape;
/* `path`: of the WAV, NULL for none.  NULL with errno set. */
struct tape *tape_open(const char *path, const struct tape_source *source) MUST_USE;
/* False when more waits than there is room for, or it is not whole frames. */
bool tape_put(struct tape *tape, struct text samples) MUST_USE;
/* Plays what is due by now. */
void tape_play(struct tape *tape, uint64_t now_us);
uint32_t tape_ahead_ms(const struct tape *tape);
bool tape_has_begun(const struct tape *tape);
const struct tape_figures *tape_figures(const struct tape *tape);
uint64_t tape_ms(const struct tape *tape, uint64_t frames);
/* False when the WAV is not whole. */
bool tape_close(struct tape **tape);
