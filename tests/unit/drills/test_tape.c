// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ear/tape.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RATE = 1000, FRAMES = 1000, SECOND_US = 1000000 };

/* A second of mono, no two samples alike. */
static struct tape_source make_source(void)
{
    struct tape_source source = {.rate = RATE, .channels = 1};
    buffer_init(&source.samples, 2 * FRAMES);
    for (unsigned i = 0; i < FRAMES; i++)
        buffer_u16(&source.samples, (uint16_t)(i + 1));
    return source;
}

static struct text part(const struct tape_source *source, size_t begin, size_t end)
{
    return text_make(source->samples.data + 2 * begin, 2 * (end - begin));
}

static void what_comes_in_time_is_heard_whole(void)
{
    struct tape_source source = make_source();
    struct tape *tape = tape_open(NULL, &source);
    tape_play(tape, 5 * SECOND_US);
    OK(!tape_has_begun(tape), "waiting for the first sound is no gap");
    OK(tape_put(tape, part(&source, 0, 600)) && tape_ahead_ms(tape) == 600, "what is put in waits");
    tape_play(tape, 6 * SECOND_US);
    tape_play(tape, 6 * SECOND_US + 400000);
    OK(tape_figures(tape)->heard_frames == 400 && tape_ahead_ms(tape) == 200,
       "it plays as time goes");
    OK(tape_put(tape, part(&source, 600, FRAMES)), "the rest");
    tape_play(tape, 9 * SECOND_US);
    const struct tape_figures *figures = tape_figures(tape);
    OK(figures->is_over && figures->heard_frames == FRAMES, "to its end");
    OK(figures->gaps == 0 && figures->wrong_frames == 0 && figures->silent_frames == 0,
       "without a gap, every sample the source's; what is behind the end is no gap");
    OK(tape_close(&tape) && !tape, "and it is closed");
    buffer_release(&source.samples);
}

static void what_comes_late_is_a_gap(void)
{
    struct tape_source source = make_source();
    struct tape *tape = tape_open(NULL, &source);
    OK(tape_put(tape, part(&source, 0, 100)), "a tenth of a second");
    tape_play(tape, SECOND_US);
    tape_play(tape, SECOND_US + 300000);
    const struct tape_figures *figures = tape_figures(tape);
    OK(figures->gaps == 1 && figures->is_silent_now && figures->first_gap_at_frame == 100,
       "the music stopped when the last sample was played");
    tape_play(tape, SECOND_US + 350000);
    OK(figures->gaps == 1 && figures->longest_gap_frames == 250, "one gap, however often we look");
    OK(tape_put(tape, part(&source, 100, 200)), "it comes");
    tape_play(tape, SECOND_US + 400000);
    OK(!figures->is_silent_now && figures->heard_frames == 150, "and goes on where it stopped");
    OK(figures->wrong_frames == 0, "silence between is not wrong, it is silence");
    (void)tape_close(&tape);
    buffer_release(&source.samples);
}

static void what_is_wrong_is_counted(void)
{
    struct tape_source source = make_source();
    struct tape *tape = tape_open(NULL, &source);
    OK(tape_put(tape, part(&source, 0, 100)) && tape_put(tape, part(&source, 101, 201)),
       "one sample is left out");
    tape_play(tape, SECOND_US);
    tape_play(tape, SECOND_US + 200000);
    OK(tape_figures(tape)->wrong_frames == 100, "all that follow stand in the wrong place");
    OK(!tape_put(tape, text_make("x", 1)), "half a sample is refused");
    (void)tape_close(&tape);
    buffer_release(&source.samples);
}

static void a_wav_holds_what_was_heard(void)
{
    char path[] = "/tmp/sostenuto-tape-XXXXXX";
    unsigned char header[44] = {0};
    struct tape_source source = make_source();
    int fd = mkstemp(path);
    struct tape *tape = tape_open(path, &source);
    OK(fd >= 0 && tape, "it is opened");
    if (!tape)
        return;
    OK(tape_put(tape, part(&source, 0, 100)), "some");
    tape_play(tape, SECOND_US);
    tape_play(tape, SECOND_US + 150000);
    OK(tape_close(&tape), "and closed");
    OK(lseek(fd, 0, SEEK_END) == 44 + 2 * 150, "music and silence");
    OK(pread(fd, header, sizeof header, 0) == 44 && memcmp(header, "RIFF", 4) == 0 &&
           header[40] == (300 & 255) && header[41] == 300 >> 8,
       "the header knows how much");
    (void)close(fd);
    (void)unlink(path);
    OK(!tape_open("/nowhere/at/all.wav", &source), "a folder that is not there is an error");
    buffer_release(&source.samples);
}

int main(void)
{
    what_comes_in_time_is_heard_whole();
    what_comes_late_is_a_gap();
    what_is_wrong_is_counted();
    a_wav_holds_what_was_heard();
    return tap_done();
}
