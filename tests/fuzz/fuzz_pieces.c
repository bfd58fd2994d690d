// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/pieces.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The digests that another node gave: none, or as many as the bytes have pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces pieces;
    if (!pieces_read(text_make((const char *)data, size), TEXT("/art/a/64.jpg"), &pieces))
        return 0;
    uint64_t all = 0;
    for (size_t i = 0; i < pieces.count; i++)
        all += pieces_size(&pieces, i);
    assert(all == pieces.bytes && !pieces_are(&pieces, pieces.count, TEXT("")));
    pieces_release(&pieces);
    return 0;
}
