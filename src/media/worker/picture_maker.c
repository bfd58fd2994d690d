// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_maker.h"

#include "media/worker/picture_decoding.h"
#include "media/worker/picture_encoding.h"
#include "media/worker/picture_pixels.h"

#include <libavutil/log.h>

enum { MAX_DIMENSION = 32000 };

void picture_maker_start(void)
{
    av_log_set_level(AV_LOG_QUIET);
    pixels_start();
}

static enum media_outcome check(struct picture_size size, unsigned size_px)
{
    if (!size_px || size_px > MAKER_MAX_SIDE)
        return MEDIA_TOO_LARGE;
    if (!size.width)
        return size.kind == PICTURE_UNKNOWN ? MEDIA_NO_PICTURE : MEDIA_DAMAGED;
    if (size.width > MAX_DIMENSION || size.height > MAX_DIMENSION ||
        (uint64_t)size.width * size.height > MAKER_MAX_PIXELS)
        return MEDIA_TOO_LARGE;
    return MEDIA_OK;
}

/* A side of the result, given the longer side of the whole. */
static int shrunk(uint32_t side, uint32_t longer, unsigned size_px)
{
    if (longer <= size_px)
        return (int)side;
    uint64_t small = ((uint64_t)side * size_px + longer / 2) / longer;
    return small ? (int)small : 1;
}

/* NULL when there is no memory for it. */
static AVFrame *finish(const AVFrame *frame, struct picture_size size, unsigned size_px)
{
    uint32_t longer = size.width > size.height ? size.width : size.height;
    AVFrame *picture = pixels_shrink(frame, shrunk(size.width, longer, size_px),
                                     shrunk(size.height, longer, size_px));
    int orientation = pixels_orientation(frame);
    if (!picture)
        return NULL;
    pixels_convert_colours(picture, frame);
    if (orientation == 1)
        return picture;
    AVFrame *upright = pixels_turn(picture, orientation);
    av_frame_free(&picture);
    return upright;
}

enum media_outcome picture_make(struct text image, unsigned size_px, enum media_image_format format,
                                struct buffer *out)
{
    struct picture_size size = picture_size(image);
    AVFrame *frame = NULL;
    enum media_outcome outcome = check(size, size_px);
    if (outcome == MEDIA_OK)
        outcome = picture_decode(image, size, size_px, &frame);
    if (outcome != MEDIA_OK)
        return outcome;
    AVFrame *picture = finish(frame, size, size_px);
    av_frame_free(&frame);
    outcome = picture ? picture_encode(picture, format, out) : MEDIA_OUT_OF_MEMORY;
    av_frame_free(&picture);
    return outcome;
}
