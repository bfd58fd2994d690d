// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_decoding.h"

#include "media/worker/picture_maker.h"

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

enum { GREY = 128, MAX_LOWRES = 3, PIXELS_PER_BYTE = 64 };

struct reading {
    AVFrame *first; /* what the decoder writes into: shown when it gives up halfway */
};

static enum AVCodecID codec_of(enum picture_kind kind)
{
    switch (kind) {
    case PICTURE_JPEG:
        return AV_CODEC_ID_MJPEG;
    case PICTURE_PNG:
        return AV_CODEC_ID_PNG;
    case PICTURE_WEBP:
        return AV_CODEC_ID_WEBP;
    case PICTURE_GIF:
        return AV_CODEC_ID_GIF;
    case PICTURE_BMP:
        return AV_CODEC_ID_BMP;
    case PICTURE_UNKNOWN:
        break;
    }
    return AV_CODEC_ID_NONE;
}

/* --- memory that decoders write into --- */

static bool has_palette(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    return format && format->flags & AV_PIX_FMT_FLAG_PAL;
}

static void fill_grey(const AVFrame *frame)
{
    int planes = has_palette(frame) ? 1 : av_pix_fmt_count_planes(frame->format);
    for (int i = 0; i < planes; i++)
        memset(frame->buf[i] ? frame->buf[i]->data : frame->data[i], GREY,
               frame->buf[i] ? frame->buf[i]->size : 0);
}

static int get_grey_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
    struct reading *reading = codec->opaque;
    int error = avcodec_default_get_buffer2(codec, frame, flags);
    if (error < 0)
        return error;
    fill_grey(frame);
    if (!reading->first)
        reading->first = av_frame_clone(frame);
    return 0;
}

/* Whether a decoder that failed left anything in the rows that it was to fill. */
static bool has_content(const AVFrame *frame)
{
    int bytes = av_image_get_linesize(frame->format, frame->width, 0);
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < bytes; x++)
            if (row[x] != GREY)
                return true;
    }
    return false;
}

/* --- decoding --- */

/* Halvings that a JPEG's decoder may do for us: the shorter it works, the smaller the picture. */
static int halvings(struct picture_size size, unsigned wanted_px)
{
    int count = 0;
    uint32_t longer = size.width > size.height ? size.width : size.height;
    while (count < MAX_LOWRES && longer >> (count + 1) >= 2 * wanted_px)
        count++;
    return count;
}

static AVCodecContext *open_decoder(struct picture_size size, unsigned wanted_px,
                                    struct reading *reading)
{
    const AVCodec *decoder = avcodec_find_decoder(codec_of(size.kind));
    AVCodecContext *codec = decoder ? avcodec_alloc_context3(decoder) : NULL;
    if (!codec)
        return NULL;
    codec->thread_count = 1;
    codec->max_pixels = MAKER_MAX_PIXELS; /* a second header inside may claim more than the first */
    codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    codec->lowres = size.kind == PICTURE_JPEG ? halvings(size, wanted_px) : 0;
    codec->get_buffer2 = get_grey_buffer;
    codec->opaque = reading;
    if (avcodec_open2(codec, decoder, NULL) < 0)
        avcodec_free_context(&codec);
    return codec;
}

/*
 * The file as libav wants it, NULL when there is no memory for it.  A JPEG gets an end (a cut one
 * has none) and is drawn out, because libav's decoder refuses files of less than two bits for 64
 * pixels: cut ones, and whole ones of a single colour.
 */
static AVPacket *packet_of(struct text image, struct picture_size size)
{
    static const uint8_t jpeg_end[] = {0xff, 0xd9};
    size_t pixels = (size_t)size.width * size.height, more = pixels / PIXELS_PER_BYTE + 1024;
    AVPacket *packet = av_packet_alloc();
    if (size.kind != PICTURE_JPEG)
        more = 0;
    if (!packet || av_new_packet(packet, (int)(image.size + more)) < 0) {
        av_packet_free(&packet);
        return NULL;
    }
    bytes_copy(packet->data, image.data, image.size);
    memset(packet->data + image.size, 0, more);
    if (more)
        memcpy(packet->data + image.size, jpeg_end, sizeof jpeg_end);
    return packet;
}

/* libav's error, or 0 and *frame filled. */
static int decode(AVCodecContext *codec, AVPacket *packet, AVFrame *frame)
{
    int error = avcodec_send_packet(codec, packet);
    if (error >= 0)
        error = avcodec_receive_frame(codec, frame);
    if (error == AVERROR(EAGAIN) && avcodec_send_packet(codec, NULL) >= 0)
        error = avcodec_receive_frame(codec, frame); /* it waits for what never comes */
    return error;
}

enum media_outcome picture_decode(struct text image, struct picture_size size, unsigned wanted_px,
                                  AVFrame **ret_frame)
{
    struct reading reading = {0};
    AVCodecContext *codec = open_decoder(size, wanted_px, &reading);
    AVPacket *packet = packet_of(image, size);
    AVFrame *frame = av_frame_alloc();
    int error = codec && packet && frame ? decode(codec, packet, frame) : AVERROR(ENOMEM);
    if (error < 0 && error != AVERROR(ENOMEM) && reading.first && has_content(reading.first)) {
        av_frame_free(&frame);
        frame = reading.first;
        reading.first = NULL;
        error = 0;
    }
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    av_frame_free(&reading.first);
    if (error >= 0)
        *ret_frame = frame;
    else
        av_frame_free(&frame);
    return error >= 0 ? MEDIA_OK : error == AVERROR(ENOMEM) ? MEDIA_OUT_OF_MEMORY : MEDIA_DAMAGED;
}
