// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/launch_list.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read as a launch is written and read again as the same songs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct launch_list list, again;
    struct buffer out;
    if (!launch_list_read(text_make((const char *)data, size), 1, &list))
        return 0;
    buffer_init(&out, LAUNCH_MAX_BYTES);
    launch_list_write(&list, &out);
    assert(launch_list_read(buffer_view(&out), 1, &again) && again.count == list.count);
    launch_list_release(&again);
    launch_list_release(&list);
    buffer_release(&out);
    return 0;
}
