// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/shaping.h"

#include "base/mem.h"
#include "media/worker/extension.h"

#include <assert.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

enum { DEFAULT_FRAME = 1024 };

struct shaping {
    AVCodecContext *codec;
    shaping_on_frame *on_frame;
    void *context;
    SwrContext *resampler; /* made with the first frame, anew when its shape changes */
    AVAudioFifo *fifo;     /* encoders want frames of their own size */
    AVFrame *converted, *whole;
    int from_format, from_rate, from_channels;
    int64_t next_pts, source_samples;
    int extension;
    bool has_begun; /* the extension stands in front */
};

int shaping_choose_rate(const AVCodec *codec, int wanted)
{
    int best = 0;
    if (!codec->supported_samplerates)
        return wanted;
    for (const int *rate = codec->supported_samplerates; *rate; rate++) {
        bool is_better = best < wanted ? *rate > best : *rate >= wanted && *rate < best;
        if (!best || is_better)
            best = *rate;
    }
    return best;
}

enum AVSampleFormat shaping_choose_format(const AVCodec *codec, int depth)
{
    if (codec->id == AV_CODEC_ID_FLAC)
        return depth > 16 ? AV_SAMPLE_FMT_S32 : AV_SAMPLE_FMT_S16;
    for (const enum AVSampleFormat *format = codec->sample_fmts; format && *format >= 0; format++)
        if (*format == AV_SAMPLE_FMT_FLTP || *format == AV_SAMPLE_FMT_FLT)
            return *format;
    return codec->sample_fmts ? codec->sample_fmts[0] : AV_SAMPLE_FMT_FLTP;
}

struct shaping *shaping_new(AVCodecContext *codec, shaping_on_frame *on_frame, void *context)
{
    struct shaping *shaping = MEM_NEW(struct shaping);
    shaping->codec = codec;
    shaping->on_frame = on_frame;
    shaping->context = context;
    shaping->converted = av_frame_alloc();
    shaping->whole = av_frame_alloc();
    shaping->fifo =
        av_audio_fifo_alloc(codec->sample_fmt, codec->ch_layout.nb_channels, DEFAULT_FRAME);
    if (!shaping->converted || !shaping->whole || !shaping->fifo)
        shaping_free(&shaping);
    return shaping;
}

void shaping_free(struct shaping **shaping_p)
{
    struct shaping *shaping = *shaping_p;
    if (!shaping)
        return;
    if (shaping->fifo)
        av_audio_fifo_free(shaping->fifo);
    swr_free(&shaping->resampler);
    av_frame_free(&shaping->converted);
    av_frame_free(&shaping->whole);
    mem_free_p(shaping_p);
}

int64_t shaping_samples(const struct shaping *shaping) { return shaping->source_samples; }

void shaping_extend(struct shaping *shaping, int samples)
{
    bool is_float = shaping->codec->sample_fmt == AV_SAMPLE_FMT_FLTP ||
                    shaping->codec->sample_fmt == AV_SAMPLE_FMT_FLT;
    assert(is_float || !samples);
    shaping->extension = samples;
}

/* --- both ends go on (extension.h) --- */

/* A frame of the encoder's shape with room for `count` samples; NULL without memory. */
static AVFrame *frame_of(const struct shaping *shaping, int count)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->nb_samples = count;
    frame->format = shaping->codec->sample_fmt;
    if (av_channel_layout_copy(&frame->ch_layout, &shaping->codec->ch_layout) < 0 ||
        av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

static float *sample_of(AVFrame *frame, int channel, int number)
{
    bool is_planar = av_sample_fmt_is_planar(frame->format);
    float *plane = (float *)(void *)frame->extended_data[is_planar ? channel : 0];
    return is_planar ? plane + number : plane + number * frame->ch_layout.nb_channels + channel;
}

static bool put(AVAudioFifo *fifo, AVFrame *frame)
{
    return av_audio_fifo_write(fifo, (void **)frame->extended_data, frame->nb_samples) >=
           frame->nb_samples;
}

/* Made of the fifo's `known` first or last samples; NULL without memory. */
static AVFrame *extend(const struct shaping *shaping, AVFrame *known, bool is_front)
{
    AVFrame *made = frame_of(shaping, shaping->extension);
    int step = av_sample_fmt_is_planar(known->format) ? 1 : known->ch_layout.nb_channels;
    int last = known->nb_samples - 1;
    for (int i = 0; made && i < known->ch_layout.nb_channels; i++)
        extension_make(sample_of(known, i, is_front ? 0 : last), is_front ? step : -step,
                       (size_t)known->nb_samples,
                       sample_of(made, i, is_front ? made->nb_samples - 1 : 0),
                       is_front ? -step : step, (size_t)made->nb_samples);
    return made;
}

/* Puts the extension before what the fifo holds. */
static bool begin(struct shaping *shaping)
{
    AVFrame *held = frame_of(shaping, av_audio_fifo_size(shaping->fifo)), *front = NULL;
    if (held && av_audio_fifo_read(shaping->fifo, (void **)held->extended_data, held->nb_samples) >=
                    held->nb_samples)
        front = extend(shaping, held, true);
    shaping->has_begun = front && put(shaping->fifo, front) && put(shaping->fifo, held);
    av_frame_free(&front);
    av_frame_free(&held);
    return shaping->has_begun;
}

/* Behind the last sample. */
static bool prolong(struct shaping *shaping)
{
    int size = av_audio_fifo_size(shaping->fifo);
    int count = size < shaping->extension ? size : shaping->extension;
    AVFrame *held = frame_of(shaping, count), *tail = NULL;
    if (held && av_audio_fifo_peek_at(shaping->fifo, (void **)held->extended_data, count,
                                      size - count) >= count)
        tail = extend(shaping, held, false);
    bool is_done = tail && put(shaping->fifo, tail);
    av_frame_free(&tail);
    av_frame_free(&held);
    return is_done;
}

/* Encodes what the fifo holds in frames of the encoder's size; at the end also the rest. */
static bool drain_fifo(struct shaping *shaping, bool is_end)
{
    int size = shaping->codec->frame_size ? shaping->codec->frame_size : DEFAULT_FRAME;
    int kept = is_end ? 0 : shaping->extension; /* for prolong() */
    int waiting = av_audio_fifo_size(shaping->fifo);
    if (shaping->extension && waiting < (shaping->has_begun ? 1 : is_end ? 1 : kept))
        return true;
    if (shaping->extension && !shaping->has_begun && !begin(shaping))
        return false;
    if (shaping->extension && is_end && !prolong(shaping))
        return false;
    for (int held; (held = av_audio_fifo_size(shaping->fifo) - kept) >= (is_end ? 1 : size);) {
        AVFrame *frame = shaping->whole;
        av_frame_unref(frame);
        frame->nb_samples = held < size ? held : size;
        frame->format = shaping->codec->sample_fmt;
        frame->sample_rate = shaping->codec->sample_rate;
        if (av_channel_layout_copy(&frame->ch_layout, &shaping->codec->ch_layout) < 0 ||
            av_frame_get_buffer(frame, 0) < 0 ||
            av_audio_fifo_read(shaping->fifo, (void **)frame->data, frame->nb_samples) <
                frame->nb_samples)
            return false;
        frame->pts = shaping->next_pts;
        shaping->next_pts += frame->nb_samples;
        if (!shaping->on_frame(shaping->context, frame))
            return false;
    }
    return true;
}

/* From the shape of `frame` to the encoder's; `frame` NULL takes the resampler's rest. */
static bool convert(struct shaping *shaping, const AVFrame *frame)
{
    AVFrame *converted = shaping->converted;
    int samples = swr_get_out_samples(shaping->resampler, frame ? frame->nb_samples : 0);
    if (samples <= 0)
        return samples == 0;
    av_frame_unref(converted);
    converted->nb_samples = samples;
    converted->format = shaping->codec->sample_fmt;
    if (av_channel_layout_copy(&converted->ch_layout, &shaping->codec->ch_layout) < 0 ||
        av_frame_get_buffer(converted, 0) < 0)
        return false;
    const uint8_t **from = frame ? (const uint8_t **)(uintptr_t)frame->extended_data : NULL;
    int made = swr_convert(shaping->resampler, converted->extended_data, samples, from,
                           frame ? frame->nb_samples : 0);
    shaping->source_samples += made > 0 ? made : 0;
    return made >= 0 &&
           av_audio_fifo_write(shaping->fifo, (void **)converted->extended_data, made) >= made;
}

static bool fit_resampler(struct shaping *shaping, const AVFrame *frame)
{
    if (shaping->resampler && frame->format == shaping->from_format &&
        frame->sample_rate == shaping->from_rate &&
        frame->ch_layout.nb_channels == shaping->from_channels)
        return true;
    if (shaping->resampler && !convert(shaping, NULL))
        return false;
    swr_free(&shaping->resampler);
    shaping->from_format = frame->format;
    shaping->from_rate = frame->sample_rate;
    shaping->from_channels = frame->ch_layout.nb_channels;
    AVChannelLayout from = {0};
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, frame->ch_layout.nb_channels);
    else if (av_channel_layout_copy(&from, &frame->ch_layout) < 0)
        return false;
    int error = swr_alloc_set_opts2(&shaping->resampler, &shaping->codec->ch_layout,
                                    shaping->codec->sample_fmt, shaping->codec->sample_rate, &from,
                                    frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&from);
    return error >= 0 && swr_init(shaping->resampler) >= 0;
}

bool shaping_put(struct shaping *shaping, const AVFrame *frame)
{
    return frame->sample_rate > 0 && fit_resampler(shaping, frame) && convert(shaping, frame) &&
           drain_fifo(shaping, false);
}

bool shaping_finish(struct shaping *shaping)
{
    if (shaping->resampler && !convert(shaping, NULL))
        return false;
    return drain_fifo(shaping, true);
}
