// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_encoding.h"

#include "media/worker/picture_pixels.h"

#include <libavcodec/avcodec.h>

/* docs/decisions/013 has what other values cost and give. */
static const struct style {
    const char *encoder;
    enum AVPixelFormat pixels;
    int quality; /* in the encoder's own scale */
    int effort;
} styles[] = {
    [MEDIA_WEBP] = {"libwebp", AV_PIX_FMT_RGB32, 80, 2},
    [MEDIA_JPEG] = {"mjpeg", AV_PIX_FMT_YUVJ420P, 3, FF_COMPRESSION_DEFAULT},
};

static AVCodecContext *open_encoder(const struct style *style, const AVFrame *frame)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(style->encoder);
    AVCodecContext *codec = encoder ? avcodec_alloc_context3(encoder) : NULL;
    if (!codec)
        return NULL;
    codec->width = frame->width;
    codec->height = frame->height;
    codec->pix_fmt = style->pixels;
    codec->time_base = (AVRational){1, 1};
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT; /* its version is not written */
    codec->global_quality = style->quality * FF_QP2LAMBDA;
    codec->compression_level = style->effort;
    if (avcodec_open2(codec, encoder, NULL) < 0)
        avcodec_free_context(&codec);
    return codec;
}

/* libav's error or 0. */
static int encode(AVCodecContext *codec, AVFrame *frame, AVPacket *packet)
{
    frame->pts = 0;
    frame->quality = codec->global_quality;
    int error = avcodec_send_frame(codec, frame);
    if (error >= 0)
        error = avcodec_send_frame(codec, NULL);
    return error >= 0 ? avcodec_receive_packet(codec, packet) : error;
}

enum media_outcome picture_encode(const AVFrame *picture, enum media_image_format format,
                                  struct buffer *out)
{
    const struct style *style = &styles[format];
    AVFrame *frame = style->pixels == AV_PIX_FMT_RGB32
                         ? av_frame_clone(picture)
                         : pixels_scale(picture, picture->width, picture->height, style->pixels);
    AVCodecContext *codec = frame ? open_encoder(style, frame) : NULL;
    AVPacket *packet = av_packet_alloc();
    enum media_outcome outcome = MEDIA_OUT_OF_MEMORY;
    if (codec && packet && encode(codec, frame, packet) >= 0) {
        buffer_append(out, packet->data, (size_t)packet->size);
        outcome = out->overflowed ? MEDIA_TOO_LARGE : MEDIA_OK;
    }
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    av_frame_free(&frame);
    return outcome;
}
