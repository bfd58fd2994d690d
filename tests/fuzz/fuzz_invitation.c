// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/invitation.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct invitation invitation;
    struct buffer again;
    const char *why;
    struct text token = text_make((const char *)data, size);
    if (!invitation_read(token, &invitation, &why))
        return 0;
    buffer_init(&again, INVITATION_TEXT_MAX_BYTES);
    invitation_write(&invitation, &again);
    assert(text_equal(buffer_view(&again), text_trim(token)));
    buffer_release(&again);
    return 0;
}
