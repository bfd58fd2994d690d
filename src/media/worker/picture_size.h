// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * picture_size: how many pixels an image file claims, from its first bytes.  Pure.
 *
 * Asked before anything is decoded, so that a file of some KiB cannot claim the memory of
 * gigabytes.
 */
enum picture_kind {
    PICTURE_UNKNOWN,
    PICTURE_JPEG, /* ITU T.81 B.2.2 */
    PICTURE_PNG,  /* W3C PNG 11.2.2 */
    PICTURE_WEBP, /* RFC 9649 2.5-2.7 */
    PICTURE_GIF,  /* GIF89a 18 */
    PICTURE_BMP,  /* BITMAPINFOHEADER and its successors; not OS/2's */
};

struct picture_size {
    enum picture_kind kind; /* by content; PICTURE_UNKNOWN: none that we read */
    uint32_t width,
        height; /* as stored, before it is turned upright; both 0: the header is damaged */
};

struct picture_size picture_size(struct text image);
