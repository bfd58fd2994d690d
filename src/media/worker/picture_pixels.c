// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_pixels.h"

#include <lcms2.h>
#include <libavutil/dict.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

enum { MAX_PROFILE_BYTES = 4 * 1024 * 1024 };
enum { SCALING = SWS_LANCZOS | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP };

void pixels_start(void) { (void)cmsCloseProfile(cmsCreate_sRGBProfile()); }

static AVFrame *new_frame(int width, int height, enum AVPixelFormat format)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = format;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

static uint32_t *row_of(const AVFrame *picture, int y)
{
    return (uint32_t *)(void *)(picture->data[0] + (ptrdiff_t)y * picture->linesize[0]);
}

AVFrame *pixels_scale(const AVFrame *frame, int width, int height, enum AVPixelFormat format)
{
    AVFrame *scaled = new_frame(width, height, format);
    struct SwsContext *scaler = sws_getContext(frame->width, frame->height, frame->format, width,
                                               height, format, SCALING, NULL, NULL, NULL);
    if (!scaled || !scaler ||
        sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
                  scaled->data, scaled->linesize) <= 0)
        av_frame_free(&scaled);
    sws_freeContext(scaler);
    return scaled;
}

/* --- what is transparent shows white --- */

static bool may_be_transparent(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    return format && format->flags & AV_PIX_FMT_FLAG_ALPHA;
}

static uint32_t on_white(uint32_t pixel)
{
    uint32_t alpha = pixel >> 24, white = (255 - alpha) * 255, result = 0xff;
    for (unsigned shift = 24; shift;) {
        shift -= 8;
        result = result << 8 | ((pixel >> shift & 0xff) * alpha + white + 127) / 255;
    }
    return result;
}

static AVFrame *flatten(const AVFrame *frame)
{
    AVFrame *picture = pixels_scale(frame, frame->width, frame->height, AV_PIX_FMT_RGB32);
    for (int y = 0; picture && y < picture->height; y++) {
        uint32_t *row = row_of(picture, y);
        for (int x = 0; x < picture->width; x++)
            if (row[x] < 0xff000000)
                row[x] = on_white(row[x]);
    }
    return picture;
}

AVFrame *pixels_shrink(const AVFrame *frame, int width, int height)
{
    if (!may_be_transparent(frame))
        return pixels_scale(frame, width, height, AV_PIX_FMT_RGB32);
    /* first the white: colours of what is transparent must not bleed into their neighbours */
    AVFrame *opaque = flatten(frame);
    AVFrame *picture = opaque ? pixels_scale(opaque, width, height, AV_PIX_FMT_RGB32) : NULL;
    av_frame_free(&opaque);
    for (int y = 0; picture && y < height; y++) /* the filter may have rounded 255 down */
        for (int x = 0; x < width; x++)
            row_of(picture, y)[x] |= 0xff000000;
    return picture;
}

/* --- colours --- */

static cmsHTRANSFORM open_transform(const AVFrameSideData *profile)
{
    cmsHPROFILE from = cmsOpenProfileFromMem(profile->data, (cmsUInt32Number)profile->size);
    cmsHPROFILE to = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform = NULL;
    if (from && to && cmsGetColorSpace(from) == cmsSigRgbData)
        transform = cmsCreateTransform(from, TYPE_BGRA_8, to, TYPE_BGRA_8, INTENT_PERCEPTUAL,
                                       cmsFLAGS_COPY_ALPHA);
    if (from)
        cmsCloseProfile(from);
    if (to)
        cmsCloseProfile(to);
    return transform;
}

void pixels_convert_colours(AVFrame *picture, const AVFrame *frame)
{
    const AVFrameSideData *profile = av_frame_get_side_data(frame, AV_FRAME_DATA_ICC_PROFILE);
    cmsHTRANSFORM transform =
        profile && profile->size <= MAX_PROFILE_BYTES ? open_transform(profile) : NULL;
    if (!transform)
        return;
    for (int y = 0; y < picture->height; y++)
        cmsDoTransform(transform, row_of(picture, y), row_of(picture, y),
                       (cmsUInt32Number)picture->width);
    cmsDeleteTransform(transform);
}

/* --- upright --- */

int pixels_orientation(const AVFrame *frame)
{
    const AVDictionaryEntry *entry = av_dict_get(frame->metadata, "Orientation", NULL, 0);
    long orientation = entry ? strtol(entry->value, NULL, 10) : 1;
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

AVFrame *pixels_turn(const AVFrame *picture, int orientation)
{
    int width = picture->width, height = picture->height;
    bool is_on_side = orientation >= 5;
    bool mirrors_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirrors_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    AVFrame *upright = is_on_side ? new_frame(height, width, AV_PIX_FMT_RGB32)
                                  : new_frame(width, height, AV_PIX_FMT_RGB32);
    for (int y = 0; upright && y < upright->height; y++) {
        uint32_t *row = row_of(upright, y);
        for (int x = 0; x < upright->width; x++) {
            int from_x = is_on_side ? y : x, from_y = is_on_side ? x : y;
            row[x] = row_of(picture, mirrors_y ? height - 1 - from_y
                                               : from_y)[mirrors_x ? width - 1 - from_x : from_x];
        }
    }
    return upright;
}
