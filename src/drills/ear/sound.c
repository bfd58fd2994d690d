// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ear/sound.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <string.h>

enum {
    MAX_BYTES = 600 * 48000 * 4, /* ten minutes */
    PAGE_BYTES = 16384,
    SAMPLE_BYTES = 2,
};

struct decoding {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
};

static void release(struct decoding *decoding)
{
    avformat_close_input(&decoding->format);
    avcodec_free_context(&decoding->codec);
    av_packet_free(&decoding->packet);
    av_frame_free(&decoding->frame);
}

/* The format is open: finds its song and a decoder for it. */
static bool prepare(struct decoding *decoding)
{
    const AVCodec *codec = NULL;
    decoding->packet = av_packet_alloc();
    decoding->frame = av_frame_alloc();
    if (avformat_find_stream_info(decoding->format, NULL) < 0)
        return false;
    decoding->stream = av_find_best_stream(decoding->format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (decoding->stream < 0)
        return false;
    decoding->codec = avcodec_alloc_context3(codec);
    return decoding->codec &&
           avcodec_parameters_to_context(
               decoding->codec, decoding->format->streams[decoding->stream]->codecpar) >= 0 &&
           avcodec_open2(decoding->codec, codec, NULL) >= 0;
}

static bool take_frames(struct decoding *decoding, struct buffer *out)
{
    AVFrame *frame = decoding->frame;
    int error;
    while ((error = avcodec_receive_frame(decoding->codec, frame)) == 0) {
        size_t samples = (size_t)frame->nb_samples * (size_t)frame->ch_layout.nb_channels;
        if (frame->format != AV_SAMPLE_FMT_S16 || frame->ch_layout.nb_channels > 2)
            return false;
        buffer_append(out, frame->data[0], samples * SAMPLE_BYTES);
    }
    return !out->overflowed && (error == AVERROR(EAGAIN) || error == AVERROR_EOF);
}

static bool decode(struct decoding *decoding, struct buffer *out)
{
    bool is_good = prepare(decoding);
    while (is_good && av_read_frame(decoding->format, decoding->packet) == 0) {
        if (decoding->packet->stream_index == decoding->stream)
            is_good = avcodec_send_packet(decoding->codec, decoding->packet) == 0 &&
                      take_frames(decoding, out);
        av_packet_unref(decoding->packet);
    }
    return is_good && avcodec_send_packet(decoding->codec, NULL) == 0 && take_frames(decoding, out);
}

bool sound_of_file(const char *path, struct tape_source *ret)
{
    struct decoding decoding = {0};
    struct tape_source source = {0};
    buffer_init(&source.samples, MAX_BYTES);
    bool is_good = avformat_open_input(&decoding.format, path, NULL, NULL) == 0 &&
                   decode(&decoding, &source.samples);
    if (is_good) {
        source.rate = (uint32_t)decoding.codec->sample_rate;
        source.channels = (uint32_t)decoding.codec->ch_layout.nb_channels;
        *ret = source;
    } else {
        buffer_release(&source.samples);
    }
    release(&decoding);
    return is_good;
}

/* --- from memory --- */

struct reading {
    struct text rest;
};

static int read_some(void *context, uint8_t *out, int size)
{
    struct reading *reading = context;
    size_t some = (size_t)size < reading->rest.size ? (size_t)size : reading->rest.size;
    if (some == 0)
        return AVERROR_EOF;
    memcpy(out, reading->rest.data, some);
    reading->rest = text_make(reading->rest.data + some, reading->rest.size - some);
    return (int)some;
}

bool sound_of_segment(struct text init, struct text segment, struct buffer *out)
{
    struct decoding decoding = {.format = avformat_alloc_context()};
    struct buffer whole;
    buffer_init(&whole, MAX_BYTES);
    buffer_text(&whole, init);
    buffer_text(&whole, segment);
    struct reading reading = {.rest = buffer_view(&whole)};
    AVIOContext *bytes =
        avio_alloc_context(av_malloc(PAGE_BYTES), PAGE_BYTES, 0, &reading, read_some, NULL, NULL);
    if (decoding.format)
        decoding.format->pb = bytes;
    bool is_good = decoding.format && bytes &&
                   avformat_open_input(&decoding.format, "", NULL, NULL) == 0 &&
                   decode(&decoding, out);
    release(&decoding);
    if (bytes)
        av_freep(&bytes->buffer);
    avio_context_free(&bytes);
    buffer_release(&whole);
    return is_good;
}
