// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/encoding.h"

#include "base/mem.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

enum { WRITE_BYTES = 8 * 1024, DEFAULT_FRAME = 1024, PAGE_US = 200 * 1000, FLAC_MAX_RATE = 192000 };
enum { MIN_KBPS = 8, MAX_KBPS = 510, MP3_MAX_KBPS = 320 };

static const uint32_t default_kbps[] = {
#define X(id, word, type, kbps) [MEDIA_FORMAT_##id] = (kbps),
    MEDIA_FORMATS(X)
#undef X
};
static const char *const encoders[] = {[MEDIA_FORMAT_MP3] = "libmp3lame",
                                       [MEDIA_FORMAT_OPUS] = "libopus",
                                       [MEDIA_FORMAT_AAC] = "aac",
                                       [MEDIA_FORMAT_FLAC] = "flac",
                                       [MEDIA_FORMAT_OGG] = "libvorbis"};
static const char *const muxers[] = {[MEDIA_FORMAT_MP3] = "mp3",
                                     [MEDIA_FORMAT_OPUS] = "ogg",
                                     [MEDIA_FORMAT_AAC] = "adts",
                                     [MEDIA_FORMAT_FLAC] = "flac",
                                     [MEDIA_FORMAT_OGG] = "ogg"};

struct encoding {
    encoding_write *write;
    void *context;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    SwrContext *resampler; /* made with the first frame, anew when its shape changes */
    AVAudioFifo *fifo;     /* encoders want frames of their own size */
    AVFrame *converted, *whole;
    AVPacket *packet;
    int from_format, from_rate, from_channels;
    int64_t next_pts;
};

/* --- bytes --- */

static int write_some(void *context, uint8_t *bytes, int size)
{
    struct encoding *encoding = context;
    return encoding->write(encoding->context, bytes, (size_t)size) ? size : AVERROR(EPIPE);
}

/* --- what the encoder takes --- */

static int choose_rate(const AVCodec *codec, int wanted)
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

static enum AVSampleFormat choose_format(const AVCodec *codec, int depth)
{
    if (codec->id == AV_CODEC_ID_FLAC)
        return depth > 16 ? AV_SAMPLE_FMT_S32 : AV_SAMPLE_FMT_S16;
    for (const enum AVSampleFormat *format = codec->sample_fmts; format && *format >= 0; format++)
        if (*format == AV_SAMPLE_FMT_FLTP || *format == AV_SAMPLE_FMT_FLT)
            return *format;
    return codec->sample_fmts ? codec->sample_fmts[0] : AV_SAMPLE_FMT_FLTP;
}

static int64_t choose_bitrate(const struct media_transcode_request *request, int channels)
{
    uint32_t kbps = request->bitrate_kbps ? request->bitrate_kbps : default_kbps[request->format];
    uint32_t most = request->format == MEDIA_FORMAT_MP3 ? MP3_MAX_KBPS : MAX_KBPS;
    if (channels == 1 && most > 256)
        most = 256;
    kbps = kbps < MIN_KBPS ? MIN_KBPS : kbps > most ? most : kbps;
    return (int64_t)kbps * 1000;
}

static bool open_codec(struct encoding *encoding, const struct media_transcode_request *request,
                       const struct encoding_source *source)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(encoders[request->format]);
    AVCodecContext *context = encoding->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return false;
    int channels = request->channels == 1 || request->channels == 2 ? (int)request->channels
                   : source->channels > 1                           ? 2
                                                                    : 1;
    int wanted = request->sample_rate >= 8000 && request->sample_rate <= FLAC_MAX_RATE
                     ? (int)request->sample_rate
                     : source->rate;
    av_channel_layout_default(&context->ch_layout, channels);
    context->sample_rate = choose_rate(codec, wanted);
    context->sample_fmt = choose_format(codec, source->depth);
    if (codec->id == AV_CODEC_ID_FLAC)
        context->bits_per_raw_sample = source->depth > 16 ? 24 : 16;
    else
        context->bit_rate = choose_bitrate(request, channels);
    context->time_base = (AVRational){1, context->sample_rate};
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_BITEXACT;
    if (encoding->format->oformat->flags & AVFMT_GLOBALHEADER)
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return avcodec_open2(context, codec, NULL) >= 0;
}

static bool open_format(struct encoding *encoding, const struct media_transcode_request *request)
{
    uint8_t *buffer = av_malloc(WRITE_BYTES);
    AVIOContext *io =
        buffer ? avio_alloc_context(buffer, WRITE_BYTES, 1, encoding, NULL, write_some, NULL)
               : NULL;
    if (!io || avformat_alloc_output_context2(&encoding->format, NULL, muxers[request->format],
                                              NULL) < 0) {
        av_free(buffer);
        av_free(io);
        return false;
    }
    io->seekable = 0;
    encoding->format->pb = io;
    encoding->format->flags |=
        AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
    return true;
}

static bool write_header(struct encoding *encoding)
{
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "write_xing", 0, 0); /* its numbers are known only at the end */
    av_dict_set_int(&options, "id3v2_version", 0, 0);
    av_dict_set_int(&options, "page_duration", PAGE_US, 0);
    encoding->stream = avformat_new_stream(encoding->format, NULL);
    bool is_written = encoding->stream && avcodec_parameters_from_context(
                                              encoding->stream->codecpar, encoding->codec) >= 0;
    if (is_written) {
        encoding->stream->time_base = encoding->codec->time_base;
        is_written = avformat_write_header(encoding->format, &options) >= 0;
    }
    av_dict_free(&options);
    return is_written;
}

struct encoding *encoding_open(const struct media_transcode_request *request,
                               const struct encoding_source *source, encoding_write *write,
                               void *context)
{
    struct encoding *encoding = MEM_NEW(struct encoding);
    encoding->write = write;
    encoding->context = context;
    encoding->converted = av_frame_alloc();
    encoding->whole = av_frame_alloc();
    encoding->packet = av_packet_alloc();
    bool is_open = media_format_word(request->format) && encoding->converted && encoding->whole &&
                   encoding->packet && open_format(encoding, request) &&
                   open_codec(encoding, request, source) && write_header(encoding);
    if (is_open)
        encoding->fifo = av_audio_fifo_alloc(encoding->codec->sample_fmt,
                                             encoding->codec->ch_layout.nb_channels, DEFAULT_FRAME);
    if (!encoding->fifo)
        encoding_close(&encoding);
    return encoding;
}

void encoding_close(struct encoding **encoding_p)
{
    struct encoding *encoding = *encoding_p;
    if (!encoding)
        return;
    if (encoding->fifo)
        av_audio_fifo_free(encoding->fifo);
    swr_free(&encoding->resampler);
    avcodec_free_context(&encoding->codec);
    if (encoding->format) {
        av_freep(&encoding->format->pb->buffer);
        avio_context_free(&encoding->format->pb);
        avformat_free_context(encoding->format);
    }
    av_frame_free(&encoding->converted);
    av_frame_free(&encoding->whole);
    av_packet_free(&encoding->packet);
    mem_free_p(encoding_p);
}

/* --- samples --- */

static bool write_packets(struct encoding *encoding)
{
    int error;
    while ((error = avcodec_receive_packet(encoding->codec, encoding->packet)) >= 0) {
        av_packet_rescale_ts(encoding->packet, encoding->codec->time_base,
                             encoding->stream->time_base);
        encoding->packet->stream_index = encoding->stream->index;
        if (av_write_frame(encoding->format, encoding->packet) < 0)
            return false;
        av_packet_unref(encoding->packet);
    }
    return (error == AVERROR(EAGAIN) || error == AVERROR_EOF) && encoding->format->pb->error >= 0;
}

/* Encodes what the fifo holds in frames of the encoder's size; at the end also the rest. */
static bool drain_fifo(struct encoding *encoding, bool is_end)
{
    int size = encoding->codec->frame_size ? encoding->codec->frame_size : DEFAULT_FRAME;
    for (int held; (held = av_audio_fifo_size(encoding->fifo)) >= (is_end ? 1 : size);) {
        AVFrame *frame = encoding->whole;
        av_frame_unref(frame);
        frame->nb_samples = held < size ? held : size;
        frame->format = encoding->codec->sample_fmt;
        frame->sample_rate = encoding->codec->sample_rate;
        if (av_channel_layout_copy(&frame->ch_layout, &encoding->codec->ch_layout) < 0 ||
            av_frame_get_buffer(frame, 0) < 0 ||
            av_audio_fifo_read(encoding->fifo, (void **)frame->data, frame->nb_samples) <
                frame->nb_samples)
            return false;
        frame->pts = encoding->next_pts;
        encoding->next_pts += frame->nb_samples;
        if (avcodec_send_frame(encoding->codec, frame) < 0 || !write_packets(encoding))
            return false;
    }
    return true;
}

/* From the shape of `frame` to the encoder's; `frame` NULL takes the resampler's rest. */
static bool convert(struct encoding *encoding, const AVFrame *frame)
{
    AVFrame *converted = encoding->converted;
    int samples = swr_get_out_samples(encoding->resampler, frame ? frame->nb_samples : 0);
    if (samples <= 0)
        return samples == 0;
    av_frame_unref(converted);
    converted->nb_samples = samples;
    converted->format = encoding->codec->sample_fmt;
    if (av_channel_layout_copy(&converted->ch_layout, &encoding->codec->ch_layout) < 0 ||
        av_frame_get_buffer(converted, 0) < 0)
        return false;
    const uint8_t **from = frame ? (const uint8_t **)(uintptr_t)frame->extended_data : NULL;
    int made = swr_convert(encoding->resampler, converted->extended_data, samples, from,
                           frame ? frame->nb_samples : 0);
    return made >= 0 &&
           av_audio_fifo_write(encoding->fifo, (void **)converted->extended_data, made) >= made;
}

static bool fit_resampler(struct encoding *encoding, const AVFrame *frame)
{
    if (encoding->resampler && frame->format == encoding->from_format &&
        frame->sample_rate == encoding->from_rate &&
        frame->ch_layout.nb_channels == encoding->from_channels)
        return true;
    if (encoding->resampler && !convert(encoding, NULL))
        return false;
    swr_free(&encoding->resampler);
    encoding->from_format = frame->format;
    encoding->from_rate = frame->sample_rate;
    encoding->from_channels = frame->ch_layout.nb_channels;
    AVChannelLayout from = {0};
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, frame->ch_layout.nb_channels);
    else if (av_channel_layout_copy(&from, &frame->ch_layout) < 0)
        return false;
    int error = swr_alloc_set_opts2(&encoding->resampler, &encoding->codec->ch_layout,
                                    encoding->codec->sample_fmt, encoding->codec->sample_rate,
                                    &from, frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&from);
    return error >= 0 && swr_init(encoding->resampler) >= 0;
}

bool encoding_put(struct encoding *encoding, const AVFrame *frame)
{
    return frame->sample_rate > 0 && fit_resampler(encoding, frame) && convert(encoding, frame) &&
           drain_fifo(encoding, false);
}

bool encoding_finish(struct encoding *encoding)
{
    if (encoding->resampler && !convert(encoding, NULL))
        return false;
    return drain_fifo(encoding, true) && avcodec_send_frame(encoding->codec, NULL) >= 0 &&
           write_packets(encoding) && av_write_trailer(encoding->format) >= 0;
}
