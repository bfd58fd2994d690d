// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * An album's loudness from its tracks' histograms, beside libebur128 on the samples of them all.
 */
#include "media/worker/loudness.h"
#include "tap.h"

#include <ebur128.h>
#include <math.h>
#include <stdlib.h>

enum { RATE = 44100, CHANNELS = 2, FRAME = 1111 /* no part of 100 ms */, TRACKS = 4 };

/* Noise that goes up to a level and down from it, by amounts that music has; one song is long and
 * so soft that the others' gate shuts it out. */
struct track {
    double seconds, level_db, swing_db;
};
static const struct track album[TRACKS] = {
    {21.3, -9, 3}, {17.05, -14, 8}, {42.6, -36, 12}, {15.9, -11, 20}};

static float next_sample(uint32_t *seed, const struct track *track, double at_s)
{
    *seed = *seed * 1664525u + 1013904223u;
    double noise = (double)*seed / 2147483648.0 - 1;
    double db = track->level_db + track->swing_db * (sin(at_s * 1.7) - 1) / 2;
    return (float)(noise * pow(10, db / 20));
}

/* The same sound to our measurement and to the library's. */
static void play(const struct track *track, uint32_t seed, struct loudness *ours,
                 ebur128_state *theirs)
{
    size_t total = (size_t)(track->seconds * RATE);
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = RATE;
    av_channel_layout_default(&frame->ch_layout, CHANNELS);
    frame->nb_samples = FRAME;
    if (av_frame_get_buffer(frame, 0) < 0)
        abort();
    for (size_t done = 0; done < total; done += (size_t)frame->nb_samples) {
        frame->nb_samples = (int)(total - done < FRAME ? total - done : FRAME);
        float *samples = (float *)(void *)frame->data[0];
        for (size_t i = 0; i < (size_t)frame->nb_samples; i++) {
            double at_s = (double)(done + i) / RATE;
            for (size_t c = 0; c < CHANNELS; c++)
                samples[i * CHANNELS + c] = next_sample(&seed, track, at_s);
        }
        loudness_put(ours, frame);
        (void)ebur128_add_frames_float(theirs, samples, (size_t)frame->nb_samples);
    }
    av_frame_free(&frame);
}

int main(void)
{
    ebur128_state *states[TRACKS];
    struct gating sum = {0};
    double exact, power = 0, seconds = 0;
    int32_t found = 0;
    for (unsigned i = 0; i < TRACKS; i++) {
        struct loudness *ours = loudness_new(RATE, CHANNELS);
        struct gating alone = {0};
        struct buffer encoded;
        int32_t mlufs = 0, gated = 0;
        uint32_t peak;
        states[i] = ebur128_init(CHANNELS, RATE, EBUR128_MODE_I);
        play(&album[i], i + 1, ours, states[i]);
        buffer_init(&encoded, GATING_MAX_BYTES);
        gating_encode(loudness_blocks(ours), &encoded);
        OK(loudness_take(ours, &mlufs, &peak) && gating_add(&alone, buffer_view(&encoded)) &&
               gating_loudness(&alone, &gated) && abs(gated - mlufs) <= 100,
           "a track's histogram says what was measured");
        OK(encoded.size < 400 && gating_add(&sum, buffer_view(&encoded)), "and is small");
        power += album[i].seconds * pow(10, mlufs / 10000.0);
        seconds += album[i].seconds;
        buffer_release(&encoded);
        loudness_free(&ours);
    }
    bool is_measured = ebur128_loudness_global_multiple(states, TRACKS, &exact) == EBUR128_SUCCESS;
    OK(is_measured && gating_loudness(&sum, &found) && fabs(found / 1000.0 - exact) <= 0.1,
       "the album's is what libebur128 finds over all of its samples");
    OK(fabs(10 * log10(power / seconds) - exact) > 0.5,
       "which the mean of the tracks' own loudness is not");
    printf("# album %.2f LUFS, from histograms %.2f, mean of tracks %.2f\n", exact, found / 1000.0,
           10 * log10(power / seconds));
    for (unsigned i = 0; i < TRACKS; i++)
        ebur128_destroy(&states[i]);
    return tap_done();
}
