// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/loudness.h"

#include "base/mem.h"

#include <ebur128.h>
#include <libswresample/swresample.h>
#include <math.h>

enum { BLOCK = 4096, MAX_CHANNELS = 8 };

struct loudness {
    ebur128_state *state;
    SwrContext *interleaver; /* to interleaved floats; made with the first frame */
    float *block;
    int rate, channels, format;
    size_t frames_left; /* until a block of 400 ms is whole; the next one is 100 ms later */
    struct gating blocks;
};

/* 100 ms, rounded as the library rounds. */
static size_t hop_of(const struct loudness *loudness) { return ((size_t)loudness->rate + 5) / 10; }

struct loudness *loudness_new(int rate, int channels)
{
    if (channels < 1 || channels > MAX_CHANNELS)
        return NULL;
    struct loudness *loudness = MEM_NEW(struct loudness);
    loudness->rate = rate;
    loudness->channels = channels;
    loudness->format = AV_SAMPLE_FMT_NONE;
    loudness->frames_left = 4 * hop_of(loudness);
    loudness->block = mem_alloc(sizeof(float) * BLOCK * (size_t)channels);
    loudness->state = ebur128_init((unsigned)channels, (unsigned long)rate,
                                   EBUR128_MODE_I | EBUR128_MODE_SAMPLE_PEAK);
    if (!loudness->state)
        loudness_free(&loudness);
    return loudness;
}

void loudness_free(struct loudness **loudness_p)
{
    struct loudness *loudness = *loudness_p;
    if (!loudness)
        return;
    if (loudness->state)
        ebur128_destroy(&loudness->state);
    swr_free(&loudness->interleaver);
    mem_free(loudness->block);
    mem_free_p(loudness_p);
}

static bool fit(struct loudness *loudness, const AVFrame *frame)
{
    if (frame->sample_rate != loudness->rate || frame->ch_layout.nb_channels != loudness->channels)
        return false;
    if (loudness->interleaver && frame->format == loudness->format)
        return true;
    swr_free(&loudness->interleaver);
    loudness->format = frame->format;
    AVChannelLayout layout = {0};
    av_channel_layout_default(&layout, loudness->channels);
    int error =
        swr_alloc_set_opts2(&loudness->interleaver, &layout, AV_SAMPLE_FMT_FLT, loudness->rate,
                            &layout, frame->format, loudness->rate, 0, NULL);
    av_channel_layout_uninit(&layout);
    return error >= 0 && swr_init(loudness->interleaver) >= 0;
}

/* Up to the end of each block and from there on: the library tells of the last 400 ms. */
static void measure(struct loudness *loudness, const float *samples, size_t frames)
{
    while (frames) {
        size_t step = frames < loudness->frames_left ? frames : loudness->frames_left;
        double lufs;
        (void)ebur128_add_frames_float(loudness->state, samples, step);
        samples += step * (size_t)loudness->channels;
        frames -= step;
        loudness->frames_left -= step;
        if (loudness->frames_left)
            continue;
        loudness->frames_left = hop_of(loudness);
        if (ebur128_loudness_momentary(loudness->state, &lufs) == EBUR128_SUCCESS)
            gating_put(&loudness->blocks, lufs, 1);
    }
}

void loudness_put(struct loudness *loudness, const AVFrame *frame)
{
    if (!fit(loudness, frame))
        return;
    const uint8_t **from = (const uint8_t **)(uintptr_t)frame->extended_data;
    uint8_t *into = (uint8_t *)loudness->block;
    int left = frame->nb_samples, made;
    while ((made = swr_convert(loudness->interleaver, &into, BLOCK, from, left)) > 0) {
        measure(loudness, loudness->block, (size_t)made);
        from = NULL; /* what did not fit waits inside */
        left = 0;
    }
}

bool loudness_take(const struct loudness *loudness, int32_t *ret_mlufs, uint32_t *ret_peak_ppm)
{
    double lufs, peak = 0;
    if (ebur128_loudness_global(loudness->state, &lufs) != EBUR128_SUCCESS || !isfinite(lufs))
        return false;
    for (unsigned i = 0; i < (unsigned)loudness->channels; i++) {
        double one = 0;
        if (ebur128_sample_peak(loudness->state, i, &one) == EBUR128_SUCCESS && one > peak)
            peak = one;
    }
    *ret_mlufs = (int32_t)lround(lufs * 1000);
    *ret_peak_ppm = peak < 4000 ? (uint32_t)lround(peak * 1e6) : UINT32_MAX;
    return true;
}

const struct gating *loudness_blocks(const struct loudness *loudness) { return &loudness->blocks; }
