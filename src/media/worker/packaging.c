// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The package role: one file decoded and encoded anew, its packets written into a pipe as
 * media/packets.h says, then the process leaves.  The loudness is measured on the way.
 */
#include "base/mem.h"
#include "media/packets.h"
#include "media/worker/container.h"
#include "media/worker/decoding.h"
#include "media/worker/loudness.h"
#include "media/worker/serve.h"
#include "media/worker/shaping.h"

#include <errno.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <unistd.h>

enum { IDENTIFY_BYTES = 512 * 1024, WRITE_BYTES = 64 * 1024, AAC_FIRST_LAMBDA = 600 };

struct packaging {
    struct source source;
    struct fingerprint fingerprint;
    struct container container;
    struct serve_job *job;
    AVCodecContext *codec;
    AVPacket *packet;
    struct shaping *shaping;
    struct loudness *loudness;
    struct buffer out;
    uint32_t packet_samples, extension;
    uint32_t packets_left; /* until the first of the next segment, which goes out at once: it shows
                              that one is whole */
    struct rendition_cut cut;
    uint64_t source_samples, written_samples;
    int source_rate;
    bool is_finishing, is_background;
};

static void *prepare(void)
{
    struct packaging *packaging = MEM_NEW(struct packaging);
    source_init(&packaging->source);
    fingerprint_init(&packaging->fingerprint);
    buffer_init(&packaging->out, WRITE_BYTES + PACKETS_MAX_RECORD + PACKETS_HEADER_BYTES);
    packaging->packet = av_packet_alloc();
    av_log_set_level(AV_LOG_QUIET);
    return packaging;
}

static enum media_codec identify(struct packaging *packaging)
{
    struct container_reading reading = {&packaging->source, &packaging->fingerprint,
                                        &packaging->container};
    source_open(&packaging->source, serve_read, packaging->job, packaging->job->file_size,
                IDENTIFY_BYTES);
    container_reset(&packaging->container);
    return container_read(&reading) ? packaging->container.codec : 0;
}

/* --- the pipe --- */

static bool write_out(struct packaging *packaging)
{
    const struct buffer *out = &packaging->out;
    for (size_t done = 0; done < out->size;) {
        ssize_t put = write(packaging->job->output, out->data + done, out->size - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false; /* nobody wants it any more */
        done += (size_t)put;
    }
    bool is_whole = !out->overflowed;
    buffer_reset(&packaging->out);
    return is_whole;
}

/* Samples of the rendition that are the source's: a resampler's last ones may be of its own. */
static uint64_t own_samples(const struct packaging *packaging)
{
    uint64_t made = (uint64_t)shaping_samples(packaging->shaping),
             rate = (uint64_t)packaging->codec->sample_rate, of = (uint64_t)packaging->source_rate;
    uint64_t wanted = (packaging->source_samples * rate + of - 1) / of;
    return made < wanted ? made : wanted;
}

/* At the end: packets behind the last of the source's samples are nobody's. */
static bool is_needed(const struct packaging *packaging)
{
    uint64_t priming = (uint64_t)packaging->codec->initial_padding + packaging->extension;
    return !packaging->is_finishing ||
           packaging->written_samples < priming + own_samples(packaging);
}

/* Whether the packet just written is the first behind a segment. */
static bool begins_segment(struct packaging *packaging)
{
    if (--packaging->packets_left)
        return false;
    packaging->packets_left = packaging->cut.packets;
    return true;
}

/* Somebody waited for the first segment; the rest has time. */
static void go_behind(struct packaging *packaging)
{
    packaging->is_background = true;
    sandbox_background();
}

static bool write_packets(struct packaging *packaging)
{
    AVPacket *packet = packaging->packet;
    int error;
    while ((error = avcodec_receive_packet(packaging->codec, packet)) >= 0) {
        bool is_due = false;
        struct text data = text_make((const char *)packet->data, (size_t)packet->size);
        bool is_short = packaging->codec->codec_id == AV_CODEC_ID_FLAC && packet->duration > 0;
        uint32_t samples = is_short ? (uint32_t)packet->duration : packaging->packet_samples;
        if (data.size && is_needed(packaging)) { /* FLAC's encoder ends with an empty one */
            packets_write_packet(samples, data, &packaging->out);
            packaging->written_samples += samples;
            is_due = begins_segment(packaging);
        }
        av_packet_unref(packet);
        if ((is_due || packaging->out.size >= WRITE_BYTES) && !write_out(packaging))
            return false;
        if (is_due && !packaging->is_background)
            go_behind(packaging);
    }
    return error == AVERROR(EAGAIN) || error == AVERROR_EOF;
}

static bool on_frame(void *context, AVFrame *frame)
{
    struct packaging *packaging = context;
    return avcodec_send_frame(packaging->codec, frame) >= 0 && write_packets(packaging);
}

/* --- the encoder --- */

static const AVCodec *encoder_of(enum cmaf_codec codec)
{
    static const char *const names[] = {
        [CMAF_AAC] = "aac", [CMAF_OPUS] = "libopus", [CMAF_FLAC] = "flac"};
    return avcodec_find_encoder_by_name(names[codec]);
}

/* AAC: the quick search, since the thorough one is half as fast, and where its rate control begins:
 * from libavcodec's 120 it takes half a second to find the rate (docs/decisions/018). */
static void set_options(AVCodecContext *context, enum cmaf_codec codec)
{
    if (codec != CMAF_AAC)
        return;
    (void)av_opt_set(context->priv_data, "aac_coder", "fast", 0);
    context->global_quality = AAC_FIRST_LAMBDA;
}

static bool open_codec(struct packaging *packaging, enum rendition rendition,
                       const struct rendition_source *source)
{
    enum cmaf_codec kind = rendition_codec(rendition);
    const AVCodec *codec = encoder_of(kind);
    AVCodecContext *context = packaging->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return false;
    int rate = (int)rendition_rate(rendition, source->rate);
    int channels = (int)rendition_channels(rendition, source->channels);
    struct rendition_cut cut = rendition_cut(kind, (uint32_t)rate);
    packaging->packet_samples = cut.packet;
    packaging->extension = cut.extension;
    packaging->packets_left = cut.first_packets + 1;
    packaging->cut = cut;
    av_channel_layout_default(&context->ch_layout, channels);
    context->sample_rate = rate;
    context->sample_fmt = shaping_choose_format(codec, (int)source->depth);
    if (kind == CMAF_FLAC) {
        context->bits_per_raw_sample = source->depth > 16 ? 24 : 16;
        context->frame_size = (int)cut.packet;
    } else {
        context->bit_rate = (int64_t)rendition_kbps(rendition) * 1000 * channels / 2;
    }
    context->time_base = (AVRational){1, rate};
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    set_options(context, kind);
    return avcodec_open2(context, codec, NULL) >= 0 &&
           (uint32_t)context->frame_size == cut.packet && context->extradata_size > 0;
}

static void write_head(struct packaging *packaging, enum rendition rendition,
                       const struct rendition_source *source)
{
    const AVCodecContext *context = packaging->codec;
    const struct packets_head head = {
        .track = {.codec = rendition_codec(rendition),
                  .rate = (uint32_t)context->sample_rate,
                  .channels = (uint32_t)context->ch_layout.nb_channels,
                  .depth = source->depth > 16 ? 24 : 16,
                  .packet = packaging->packet_samples,
                  .priming = (uint32_t)context->initial_padding + packaging->extension,
                  .config =
                      text_make((const char *)context->extradata, (size_t)context->extradata_size)},
        .source_rate = source->rate,
        .source_channels = source->channels,
        .source_depth = source->depth};
    packets_write_head(&head, &packaging->out);
}

/* --- through the file --- */

static bool finish(struct packaging *packaging)
{
    struct packets_end end = {.loudness_mlufs = PACKETS_NO_LOUDNESS};
    struct buffer blocks;
    packaging->is_finishing = true;
    if (!shaping_finish(packaging->shaping) || avcodec_send_frame(packaging->codec, NULL) < 0 ||
        !write_packets(packaging))
        return false;
    end.source_samples = packaging->source_samples;
    end.samples = own_samples(packaging);
    buffer_init(&blocks, GATING_MAX_BYTES);
    if (packaging->loudness &&
        loudness_take(packaging->loudness, &end.loudness_mlufs, &end.peak_ppm))
        gating_encode(loudness_blocks(packaging->loudness), &blocks);
    end.blocks = buffer_view(&blocks);
    packets_write_end(&end, &packaging->out);
    buffer_release(&blocks);
    return write_out(packaging);
}

static bool put(struct packaging *packaging, const AVFrame *frame)
{
    /* a file that changes its rate midway is counted at its first one */
    packaging->source_samples +=
        frame->sample_rate == packaging->source_rate
            ? (uint64_t)frame->nb_samples
            : (uint64_t)av_rescale(frame->nb_samples, packaging->source_rate, frame->sample_rate);
    if (packaging->loudness)
        loudness_put(packaging->loudness, frame);
    return shaping_put(packaging->shaping, frame);
}

static enum media_outcome encode(struct packaging *packaging, struct decoding *decoding)
{
    const struct wire_request *request = packaging->job->request;
    const struct rendition_source source = {(uint32_t)decoding_rate(decoding),
                                            (uint32_t)decoding_channels(decoding),
                                            (uint32_t)decoding_depth(decoding), 0};
    const AVFrame *frame = NULL;
    int got = decoding_next(decoding, &frame);
    if (got <= 0 || !rendition_is_offered(request->rendition, &source) ||
        !open_codec(packaging, request->rendition, &source))
        return MEDIA_DAMAGED;
    packaging->source_rate = (int)source.rate;
    packaging->shaping = shaping_new(packaging->codec, on_frame, packaging);
    if (packaging->shaping)
        shaping_extend(packaging->shaping, (int)packaging->extension);
    if (request->wants_loudness)
        packaging->loudness = loudness_new((int)source.rate, (int)source.channels);
    write_head(packaging, request->rendition, &source);
    bool is_good = packaging->shaping && write_out(packaging);
    for (; is_good && got > 0; got = decoding_next(decoding, &frame))
        is_good = frame->sample_rate > 0 && put(packaging, frame);
    return is_good && got == 0 && finish(packaging) ? MEDIA_OK : MEDIA_DAMAGED;
}

static enum media_outcome run(void *state, struct serve_job *job)
{
    struct packaging *packaging = state;
    packaging->job = job;
    enum media_codec codec = identify(packaging);
    if (!codec || job->request->rendition >= RENDITION_COUNT)
        return MEDIA_NOT_AUDIO;
    struct decoding *decoding = decoding_open(serve_read, job, job->file_size, codec);
    enum media_outcome outcome = decoding ? encode(packaging, decoding) : MEDIA_DAMAGED;
    shaping_free(&packaging->shaping);
    loudness_free(&packaging->loudness);
    avcodec_free_context(&packaging->codec);
    decoding_close(&decoding);
    return outcome;
}

const struct serve_role serve_package = {"package", SANDBOX_PACKAGE, WIRE_PACKAGE,
                                         true,      prepare,         run};
