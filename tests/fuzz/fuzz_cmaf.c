// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/cmaf_read.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = text_make((const char *)data, size), packet;
    struct cmaf_init init;
    struct cmaf_fragment fragment;
    const char *why;
    uint32_t samples, count = 0;
    if (cmaf_read_init(bytes, &init, &why))
        assert(init.config.data >= bytes.data && init.config.size <= bytes.size);
    if (!cmaf_read_fragment(bytes, 1024, &fragment, &why))
        return 0;
    while (cmaf_next_packet(&fragment, &packet, &samples))
        count++;
    assert(count == fragment.count && fragment.data_at == fragment.data.size);
    return 0;
}
