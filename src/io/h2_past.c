// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/h2_state.h"

void h2_past_open(struct h2_past *past, int32_t id)
{
    uint32_t steps = (uint32_t)(id - past->last_id) / 2;
    past->opened = steps < 64 ? past->opened << steps : 0;
    past->opened |= 1;
    past->last_id = id;
}

void h2_past_reset(struct h2_past *past, int32_t id)
{
    int32_t *slot = &past->reset_by_us[past->reset_at++ % H2_PAST_RESETS];
    if (*slot > past->forgotten_id)
        past->forgotten_id = *slot;
    *slot = id;
}

static bool was_opened(const struct h2_past *past, int32_t id)
{
    uint32_t steps = (uint32_t)(past->last_id - id) / 2;
    return steps >= 64 || past->opened >> steps & 1;
}

uint32_t h2_past_judge(const struct h2_past *past, int32_t id)
{
    if (id > past->last_id || id % 2 == 0)
        return H2_PROTOCOL_ERROR; /* idle */
    if (id <= past->forgotten_id)
        return H2_NO_ERROR;
    for (size_t i = 0; i < H2_PAST_RESETS; i++)
        if (past->reset_by_us[i] == id)
            return H2_NO_ERROR;
    return was_opened(past, id) ? H2_STREAM_CLOSED : H2_PROTOCOL_ERROR;
}
