// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/encoding.h"

#include "base/mem.h"
#include "media/worker/shaping.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

enum {
    WRITE_BYTES = 8 * 1024,
    PAGE_US = 200 * 1000,
    FRAGMENT_US = 500 * 1000,
    FLAC_MAX_RATE = 192000
};

static const char *const encoders[] = {
    [MEDIA_FORMAT_MP3] = "libmp3lame", [MEDIA_FORMAT_OPUS] = "libopus",
    [MEDIA_FORMAT_AAC] = "aac",        [MEDIA_FORMAT_FLAC] = "flac",
    [MEDIA_FORMAT_OGG] = "libvorbis",  [MEDIA_FORMAT_M4A] = "aac"};
static const char *const muxers[] = {
    [MEDIA_FORMAT_MP3] = "mp3",   [MEDIA_FORMAT_OPUS] = "ogg", [MEDIA_FORMAT_AAC] = "adts",
    [MEDIA_FORMAT_FLAC] = "flac", [MEDIA_FORMAT_OGG] = "ogg",  [MEDIA_FORMAT_M4A] = "mp4"};

struct encoding {
    encoding_write *write;
    void *context;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    struct shaping *shaping;
    AVPacket *packet;
};

/* --- bytes --- */

static int write_some(void *context, uint8_t *bytes, int size)
{
    struct encoding *encoding = context;
    return encoding->write(encoding->context, bytes, (size_t)size) ? size : AVERROR(EPIPE);
}

/* --- what the encoder takes --- */

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
    context->sample_rate = shaping_choose_rate(codec, wanted);
    context->sample_fmt = shaping_choose_format(codec, source->depth);
    if (codec->id == AV_CODEC_ID_FLAC)
        context->bits_per_raw_sample = source->depth > 16 ? 24 : 16;
    else
        context->bit_rate =
            (int64_t)media_format_fit_kbps(request->format, request->bitrate_kbps,
                                           (uint32_t)channels, (uint32_t)context->sample_rate) *
            1000;
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
    av_dict_set(&options, "movflags", "empty_moov+delay_moov+default_base_moof", 0);
    av_dict_set_int(&options, "frag_duration", FRAGMENT_US, 0);
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

static bool on_frame(void *context, AVFrame *frame)
{
    struct encoding *encoding = context;
    return avcodec_send_frame(encoding->codec, frame) >= 0 && write_packets(encoding);
}

struct encoding *encoding_open(const struct media_transcode_request *request,
                               const struct encoding_source *source, encoding_write *write,
                               void *context)
{
    struct encoding *encoding = MEM_NEW(struct encoding);
    encoding->write = write;
    encoding->context = context;
    encoding->packet = av_packet_alloc();
    bool is_open = media_format_word(request->format) && encoding->packet &&
                   open_format(encoding, request) && open_codec(encoding, request, source) &&
                   write_header(encoding);
    if (is_open)
        encoding->shaping = shaping_new(encoding->codec, on_frame, encoding);
    if (!encoding->shaping)
        encoding_close(&encoding);
    return encoding;
}

void encoding_close(struct encoding **encoding_p)
{
    struct encoding *encoding = *encoding_p;
    if (!encoding)
        return;
    shaping_free(&encoding->shaping);
    avcodec_free_context(&encoding->codec);
    if (encoding->format) {
        av_freep(&encoding->format->pb->buffer);
        avio_context_free(&encoding->format->pb);
        avformat_free_context(encoding->format);
    }
    av_packet_free(&encoding->packet);
    mem_free_p(encoding_p);
}

bool encoding_put(struct encoding *encoding, const AVFrame *frame)
{
    return shaping_put(encoding->shaping, frame);
}

bool encoding_finish(struct encoding *encoding)
{
    return shaping_finish(encoding->shaping) && avcodec_send_frame(encoding->codec, NULL) >= 0 &&
           write_packets(encoding) && av_write_trailer(encoding->format) >= 0;
}
