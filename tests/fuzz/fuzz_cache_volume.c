// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "store/cache_volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = text_make((const char *)data, size), key;
    struct region_header header;
    struct record record;
    struct cache_range ranges[CACHE_RANGES_MAX];
    struct cache_meta meta;
    uint64_t marks[CACHE_MARKS_MAX];
    uint32_t version;
    (void)!region_decode(bytes, &header);
    (void)!meta_decode(bytes, 7, &version, &meta, marks);
    if (record_decode(bytes, 1, &record) == RECORD_BAD || record_blocks(&record) > 4096)
        return 0;
    uint64_t *sums = mem_alloc(record_blocks(&record) * sizeof(uint64_t) + 1);
    (void)!record_decode_rest(&record, bytes, &key, ranges, sums);
    mem_free(sums);
    return 0;
}
