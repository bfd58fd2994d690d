// SPDX-License-Identifier: GPL-3.0-or-later
/* Any bytes as a picture: what is made of them must be a picture of the size that was asked for. */
#include "media/worker/picture_maker.h"
#include "media/worker/picture_size.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SIDE = 48, FEW_PIXELS = 1 << 16 }; /* claims are cheap, large ones cost time only */
    struct text image = text_make((const char *)data, size);
    struct picture_size claimed = picture_size(image);
    struct buffer out;
    buffer_init(&out, 1 << 20);
    picture_maker_start();
    if ((uint64_t)claimed.width * claimed.height < FEW_PIXELS &&
        picture_make(image, SIDE, size & 1 ? MEDIA_JPEG : MEDIA_WEBP, &out) == MEDIA_OK) {
        struct picture_size made = picture_size(buffer_view(&out));
        assert(made.width && made.width <= SIDE && made.height && made.height <= SIDE);
    }
    buffer_release(&out);
    return 0;
}
