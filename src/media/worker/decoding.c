// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/decoding.h"

#include "base/mem.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

enum {
    READ_BYTES = 32 * 1024,
    PROBE_BYTES = 1024 * 1024,
    ANALYZE_US = 3 * 1000 * 1000,
    MAX_BAD_PACKETS = 2000
};
enum {
    PREROLL_US =
        500 * 1000 /* decoders settle (MP3 reservoir, Opus 80 ms) before the wanted sample */
};

#define DEMUXERS "mp3,flac,ogg,mov,wav,aiff,wv"
#define DECODERS                                                                                  \
    "mp3float,mp3,mp2float,mp2,mp1float,mp1,flac,vorbis,opus,aac,alac,wavpack,pcm_u8,pcm_s8,pcm_" \
    "s16le,pcm_s16be,"                                                                            \
    "pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,"   \
    "pcm_mulaw"

struct decoding {
    media_read *read;
    void *context;
    uint64_t size, at;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;
    int64_t wanted; /* first sample that is to come out, counted from the stream's start; after a
                       seek */
    bool is_draining, has_sought;
    unsigned bad_packets;
};

/* --- bytes --- */

static int read_some(void *context, uint8_t *into, int size)
{
    struct decoding *decoding = context;
    uint64_t left = decoding->at < decoding->size ? decoding->size - decoding->at : 0;
    size_t now = (uint64_t)size < left ? (size_t)size : (size_t)left;
    if (!now)
        return AVERROR_EOF;
    if (!decoding->read(decoding->context, decoding->at, into, now))
        return AVERROR(EIO);
    decoding->at += now;
    return (int)now;
}

static int64_t move(void *context, int64_t offset, int whence)
{
    struct decoding *decoding = context;
    if (whence == AVSEEK_SIZE)
        return (int64_t)decoding->size;
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0)
        return AVERROR(EINVAL);
    decoding->at = (uint64_t)offset;
    return offset;
}

/* --- opening --- */

static const char *demuxer_of(enum media_codec codec)
{
    switch (codec) {
    case MEDIA_CODEC_FLAC:
        return "flac";
    case MEDIA_CODEC_VORBIS:
    case MEDIA_CODEC_OPUS:
    case MEDIA_CODEC_OGG_FLAC:
        return "ogg";
    case MEDIA_CODEC_AAC:
    case MEDIA_CODEC_ALAC:
        return "mov";
    case MEDIA_CODEC_WAV:
        return "wav";
    case MEDIA_CODEC_AIFF:
        return "aiff";
    case MEDIA_CODEC_WAVPACK:
        return "wv";
    case MEDIA_CODEC_MP3:
        break;
    }
    return "mp3";
}

static bool open_format(struct decoding *decoding, enum media_codec codec)
{
    uint8_t *buffer = av_malloc(READ_BYTES);
    AVIOContext *io =
        buffer ? avio_alloc_context(buffer, READ_BYTES, 0, decoding, read_some, NULL, move) : NULL;
    decoding->format = io ? avformat_alloc_context() : NULL;
    if (!decoding->format) {
        av_free(buffer);
        av_free(io);
        return false;
    }
    AVFormatContext *format = decoding->format;
    format->pb = io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->probesize = PROBE_BYTES;
    format->max_analyze_duration = ANALYZE_US;
    format->protocol_whitelist = av_strdup("none");
    format->format_whitelist = av_strdup(DEMUXERS ",mov,mp4,m4a,3gp,3g2,mj2");
    format->codec_whitelist = av_strdup(DECODERS);
    if (avformat_open_input(&decoding->format, "", av_find_input_format(demuxer_of(codec)), NULL) <
        0) {
        av_freep(&io->buffer); /* the context was freed, custom I/O is ours */
        avio_context_free(&io);
        return false;
    }
    return avformat_find_stream_info(decoding->format, NULL) >= 0;
}

static bool open_codec(struct decoding *decoding)
{
    int best = av_find_best_stream(decoding->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (best < 0)
        return false;
    for (unsigned i = 0; i < decoding->format->nb_streams; i++)
        if ((int)i != best)
            decoding->format->streams[i]->discard = AVDISCARD_ALL;
    decoding->stream = decoding->format->streams[best];
    const AVCodec *codec = avcodec_find_decoder(decoding->stream->codecpar->codec_id);
    decoding->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!decoding->codec ||
        avcodec_parameters_to_context(decoding->codec, decoding->stream->codecpar) < 0)
        return false;
    decoding->codec->pkt_timebase = decoding->stream->time_base;
    decoding->codec->thread_count = 1;
    decoding->codec->codec_whitelist = av_strdup(DECODERS);
    return avcodec_open2(decoding->codec, codec, NULL) >= 0 && decoding->codec->sample_rate > 0 &&
           decoding->codec->ch_layout.nb_channels > 0;
}

struct decoding *decoding_open(media_read *read, void *context, uint64_t size,
                               enum media_codec codec)
{
    struct decoding *decoding = MEM_NEW(struct decoding);
    decoding->read = read;
    decoding->context = context;
    decoding->size = size;
    decoding->packet = av_packet_alloc();
    decoding->frame = av_frame_alloc();
    if (!decoding->packet || !decoding->frame || !open_format(decoding, codec) ||
        !open_codec(decoding))
        decoding_close(&decoding);
    return decoding;
}

void decoding_close(struct decoding **decoding_p)
{
    struct decoding *decoding = *decoding_p;
    if (!decoding)
        return;
    avcodec_free_context(&decoding->codec);
    if (decoding->format) {
        AVIOContext *io = decoding->format->pb;
        avformat_close_input(&decoding->format);
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    av_packet_free(&decoding->packet);
    av_frame_free(&decoding->frame);
    mem_free_p(decoding_p);
}

int decoding_rate(const struct decoding *decoding) { return decoding->codec->sample_rate; }

int decoding_channels(const struct decoding *decoding)
{
    return decoding->codec->ch_layout.nb_channels;
}

int decoding_depth(const struct decoding *decoding)
{
    switch (decoding->codec->codec_id) {
    case AV_CODEC_ID_MP1:
    case AV_CODEC_ID_MP2:
    case AV_CODEC_ID_MP3:
    case AV_CODEC_ID_AAC:
    case AV_CODEC_ID_VORBIS:
    case AV_CODEC_ID_OPUS:
        return 0;
    default:
        return decoding->codec->bits_per_raw_sample
                   ? decoding->codec->bits_per_raw_sample
                   : av_get_bytes_per_sample(decoding->codec->sample_fmt) * 8;
    }
}

/* --- time --- */

static int64_t stream_start(const struct decoding *decoding)
{
    return decoding->stream->start_time == AV_NOPTS_VALUE ? 0 : decoding->stream->start_time;
}

void decoding_seek(struct decoding *decoding, uint32_t offset_ms)
{
    int64_t offset_us = (int64_t)offset_ms * 1000,
            early_us = offset_us > PREROLL_US ? offset_us - PREROLL_US : 0;
    const AVRational microseconds = {1, 1000000};
    if (!offset_ms)
        return;
    decoding->wanted = av_rescale(offset_ms, decoding->codec->sample_rate, 1000);
    decoding->has_sought = true;
    if (!early_us)
        return; /* from the start is as quick */
    int64_t target =
        stream_start(decoding) + av_rescale_q(early_us, microseconds, decoding->stream->time_base);
    if (av_seek_frame(decoding->format, decoding->stream->index, target, AVSEEK_FLAG_BACKWARD) >= 0)
        avcodec_flush_buffers(decoding->codec);
}

/* Cuts what lies before the wanted sample off the frame; false when nothing is left of it. */
static bool cut_to_wanted(struct decoding *decoding)
{
    AVFrame *frame = decoding->frame;
    if (!decoding->has_sought)
        return true;
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return false; /* not yet synchronised */
    const AVRational sample = {1, decoding->codec->sample_rate};
    int64_t begin = av_rescale_q(frame->best_effort_timestamp - stream_start(decoding),
                                 decoding->stream->time_base, sample);
    int64_t surplus = decoding->wanted - begin;
    if (surplus >= frame->nb_samples)
        return false;
    decoding->has_sought = false;
    if (surplus <= 0)
        return true;
    int width = av_get_bytes_per_sample(frame->format);
    bool is_planar = av_sample_fmt_is_planar(frame->format);
    int planes = is_planar ? frame->ch_layout.nb_channels : 1;
    int64_t bytes = surplus * width * (is_planar ? 1 : frame->ch_layout.nb_channels);
    for (int i = 0; i < planes; i++)
        frame->extended_data[i] += bytes;
    for (int i = 0; i < planes && i < AV_NUM_DATA_POINTERS; i++)
        frame->data[i] = frame->extended_data[i];
    frame->nb_samples -= (int)surplus;
    return true;
}

/* --- frames --- */

/* Gives the decoder one more packet.  False when it will take none any more. */
static bool feed(struct decoding *decoding)
{
    for (;;) {
        int error = av_read_frame(decoding->format, decoding->packet);
        if (error < 0) {
            decoding->is_draining = true;
            return avcodec_send_packet(decoding->codec, NULL) >= 0;
        }
        bool is_ours = decoding->packet->stream_index == decoding->stream->index;
        error = is_ours ? avcodec_send_packet(decoding->codec, decoding->packet) : 0;
        av_packet_unref(decoding->packet);
        if (error < 0 && ++decoding->bad_packets > MAX_BAD_PACKETS)
            return false;
        if (is_ours && error >= 0)
            return true;
    }
}

int decoding_next(struct decoding *decoding, const AVFrame **ret_frame)
{
    for (;;) {
        int error = avcodec_receive_frame(decoding->codec, decoding->frame);
        if (error >= 0) {
            if (!decoding->frame->nb_samples || !cut_to_wanted(decoding))
                continue;
            *ret_frame = decoding->frame;
            return 1;
        }
        if (error == AVERROR_EOF)
            return 0;
        if (error != AVERROR(EAGAIN) && ++decoding->bad_packets > MAX_BAD_PACKETS)
            return -1;
        if (decoding->is_draining)
            return 0;
        if (!feed(decoding))
            return decoding->is_draining ? 0 : -1;
    }
}
