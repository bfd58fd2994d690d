// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/parcel.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = text_make((const char *)data, size);
    struct parcel parcel;
    struct parcel_record record;
    const char *why;
    size_t cursor = 0, count = 0;
    if (!parcel_read(bytes, &parcel, &why))
        return 0;
    uint64_t last = 0;
    for (; parcel_next(&parcel, &cursor, &record); last = record.lsn, count++)
        assert(record.lsn > last && record.bytes.size > 0);
    assert(count == parcel.count && last == parcel.last_lsn);
    return 0;
}
