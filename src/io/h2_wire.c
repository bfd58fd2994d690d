// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/h2_wire.h"

enum { PRIORITY_BYTES = 5 };

uint32_t h2_judge_head(const struct h2_frame *frame, bool has_settings, int32_t block_id)
{
    if (frame->size > H2_PAYLOAD_BYTES)
        return H2_FRAME_SIZE_ERROR;
    if (!has_settings && frame->type != H2_SETTINGS)
        return H2_PROTOCOL_ERROR; /* RFC 9113 3.4 */
    if ((block_id != 0) != (frame->type == H2_CONTINUATION) ||
        block_id != (block_id ? frame->id : 0))
        return H2_PROTOCOL_ERROR; /* 4.3, 6.10 */
    if (frame->type == H2_DATA && (frame->flags & H2_FLAG_PADDED) && frame->size == 0)
        return H2_FRAME_SIZE_ERROR;
    return H2_NO_ERROR;
}

size_t h2_frame_needs(const struct h2_frame *frame)
{
    if (frame->type == H2_DATA)
        return H2_FRAME_HEAD_BYTES + ((frame->flags & H2_FLAG_PADDED) != 0);
    return H2_FRAME_HEAD_BYTES + frame->size;
}

bool h2_strip(const struct h2_frame *frame, struct text *ret_block, int32_t *ret_parent)
{
    struct text block = frame->payload;
    size_t padding = 0;
    *ret_parent = 0;
    if (frame->flags & H2_FLAG_PADDED) {
        if (block.size == 0)
            return false;
        padding = (uint8_t)block.data[0];
        block = text_from(block, 1);
    }
    if (frame->flags & H2_FLAG_PRIORITY) {
        if (block.size < PRIORITY_BYTES)
            return false;
        *ret_parent = h2_read_u31(block.data);
        block = text_from(block, PRIORITY_BYTES);
    }
    if (padding > block.size)
        return false;
    block.size -= padding;
    *ret_block = block;
    return true;
}
