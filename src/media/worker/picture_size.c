// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_size.h"

#include "media/worker/bytes.h"
#include "media/worker/cover.h"

typedef bool read_size(const uint8_t *bytes, size_t size, struct picture_size *ret);

static uint32_t le24(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

/* Start of frame: C0-CF, without the tables (C4), JPG (C8) and arithmetic conditioning (CC). */
static bool is_frame_marker(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Markers without a length: fill bytes, TEM, RSTn and SOI. */
static bool stands_alone(uint8_t marker)
{
    return marker == 0xff || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Goes from segment to segment, so that a thumbnail inside of one is not taken for the picture. */
static bool read_jpeg(const uint8_t *bytes, size_t size, struct picture_size *ret)
{
    for (size_t at = 2; at + 9 <= size;) {
        uint8_t marker = bytes[at + 1];
        if (bytes[at] != 0xff || stands_alone(marker)) {
            at++; /* readers skip what stands between segments */
            continue;
        }
        if (is_frame_marker(marker)) {
            ret->height = be16(bytes + at + 5);
            ret->width = be16(bytes + at + 7);
            return true;
        }
        if (marker == 0xda || marker == 0xd9)
            return false; /* the scan, or the end, before any frame */
        at += 2U + be16(bytes + at + 2);
    }
    return false;
}

static bool read_png(const uint8_t *bytes, size_t size, struct picture_size *ret)
{
    if (size < 24 || memcmp(bytes + 12, "IHDR", 4) != 0)
        return false;
    ret->width = be32(bytes + 16);
    ret->height = be32(bytes + 20);
    return true;
}

static bool read_webp(const uint8_t *bytes, size_t size, struct picture_size *ret)
{
    if (size < 30)
        return false;
    if (memcmp(bytes + 12, "VP8X", 4) == 0) {
        ret->width = le24(bytes + 24) + 1;
        ret->height = le24(bytes + 27) + 1;
    } else if (memcmp(bytes + 12, "VP8L", 4) == 0) {
        uint32_t bits = le32(bytes + 21);
        ret->width = (bits & 0x3fff) + 1;
        ret->height = (bits >> 14 & 0x3fff) + 1;
    } else {
        ret->width = le16(bytes + 26) & 0x3fff;
        ret->height = le16(bytes + 28) & 0x3fff;
    }
    return true;
}

static bool read_gif(const uint8_t *bytes, size_t size, struct picture_size *ret)
{
    if (size < 10)
        return false;
    ret->width = le16(bytes + 6);
    ret->height = le16(bytes + 8);
    return true;
}

static bool read_bmp(const uint8_t *bytes, size_t size, struct picture_size *ret)
{
    if (size < 26 || le32(bytes + 14) < 40)
        return false;
    uint32_t height = le32(bytes + 22); /* negative when its first row is the top one */
    ret->width = le32(bytes + 18);
    ret->height = height > INT32_MAX ? 0U - height : height;
    return true;
}

struct picture_size picture_size(struct text image)
{
    static const struct {
        struct text mime;
        enum picture_kind kind;
        read_size *read;
    } kinds[] = {
        {TEXT_INIT("image/jpeg"), PICTURE_JPEG, read_jpeg},
        {TEXT_INIT("image/png"), PICTURE_PNG, read_png},
        {TEXT_INIT("image/webp"), PICTURE_WEBP, read_webp},
        {TEXT_INIT("image/gif"), PICTURE_GIF, read_gif},
        {TEXT_INIT("image/bmp"), PICTURE_BMP, read_bmp},
    };
    struct text mime = cover_mime(image);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct picture_size found = {.kind = kinds[i].kind};
        if (!text_equal(mime, kinds[i].mime))
            continue;
        if (!kinds[i].read((const uint8_t *)image.data, image.size, &found) || !found.width ||
            !found.height)
            found.width = found.height = 0;
        return found;
    }
    return (struct picture_size){.kind = PICTURE_UNKNOWN};
}
