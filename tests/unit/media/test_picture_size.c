// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_size.h"
#include "tap.h"

#define PNG_HEAD "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define RIFF_HEAD "RIFF\x20\0\0\0WEBP"
#define THUMBNAIL "\xff\xe1\0\x0d\xff\xd8\xff\xc0\0\x11\x08\0\x05\0\x06"
#define FRAME "\0\x11\x08\x02\x58\x03\x20\x03"

static const struct {
    struct text image;
    enum picture_kind kind;
    uint32_t width, height;
    const char *claim;
} cases[] = {
    {TEXT_INIT("\xff\xd8\xff\xc0" FRAME), PICTURE_JPEG, 800, 600, "a baseline JPEG"},
    {TEXT_INIT("\xff\xd8\xff\xc2" FRAME), PICTURE_JPEG, 800, 600, "a progressive one"},
    {TEXT_INIT("\xff\xd8" THUMBNAIL "\xff\xc0" FRAME), PICTURE_JPEG, 800, 600,
     "a thumbnail inside of a segment is not the picture"},
    {TEXT_INIT("\xff\xd8\xff\xff\xff\xc4\0\x04\0\0\xff\xc0" FRAME), PICTURE_JPEG, 800, 600,
     "fill bytes and Huffman tables are passed over"},
    {TEXT_INIT("\xff\xd8\xff\xda\0\x04\0\0\xff\xc0" FRAME), PICTURE_JPEG, 0, 0,
     "a scan before its frame is damage"},
    {TEXT_INIT("\xff\xd8\xff\xe0\xff\xff\0\0\0\0\0\0"), PICTURE_JPEG, 0, 0,
     "so is a segment that goes on behind the end"},
    {TEXT_INIT("\xff\xd8\xff\xc0\0\x11\x08\0\0\x03\x20\x03"), PICTURE_JPEG, 0, 0,
     "and a height of 0"},
    {TEXT_INIT(PNG_HEAD "\0\1\0\0\0\0\0\2"), PICTURE_PNG, 65536, 2, "a PNG"},
    {TEXT_INIT(PNG_HEAD "\0\1\0\0\0\0\0"), PICTURE_PNG, 0, 0, "a PNG cut in its size"},
    {TEXT_INIT(RIFF_HEAD "VP8X\n\0\0\0\0\0\0\0\x1f\x03\0\x57\x02\0"), PICTURE_WEBP, 800, 600,
     "an extended WebP"},
    {TEXT_INIT(RIFF_HEAD "VP8 \n\0\0\0\0\0\0\x9d\x01\x2a\x20\x43\x58\x02"), PICTURE_WEBP, 800, 600,
     "a lossy WebP, its scaling bits aside"},
    {TEXT_INIT(RIFF_HEAD "VP8L\n\0\0\0\x2f\x1f\xc3\x95\0\0\0\0\0\0"), PICTURE_WEBP, 800, 600,
     "a lossless WebP"},
    {TEXT_INIT("GIF89a\x20\x03\x58\x02"), PICTURE_GIF, 800, 600, "a GIF"},
    {TEXT_INIT("BM************\x28\0\0\0\x20\x03\0\0\xa8\xfd\xff\xff"), PICTURE_BMP, 800, 600,
     "a BMP whose first row is the top one"},
    {TEXT_INIT("BM************\x0c\0\0\0\x20\x03\0\0\x58\x02\0\0"), PICTURE_BMP, 0, 0,
     "OS/2's BMP is not read"},
    {TEXT_INIT("<svg width='800' height='600'/>"), PICTURE_UNKNOWN, 0, 0, "SVG is no picture here"},
    {TEXT_INIT("II*\0\x08\0\0\0"), PICTURE_UNKNOWN, 0, 0, "nor is TIFF"},
    {TEXT_INIT(""), PICTURE_UNKNOWN, 0, 0, "nor nothing"},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct picture_size size = picture_size(cases[i].image);
        OK(size.kind == cases[i].kind && size.width == cases[i].width &&
               size.height == cases[i].height,
           cases[i].claim);
        for (size_t cut = 0; cut < cases[i].image.size; cut++)
            (void)picture_size(text_make(cases[i].image.data, cut)); /* asan looks on */
    }
    return tap_done();
}
