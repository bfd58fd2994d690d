// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/parcel.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct receipt receipt, again;
    const char *why;
    struct buffer out;
    if (!receipt_read(text_make((const char *)data, size), &receipt, &why))
        return 0;
    buffer_init(&out, (size_t)4 * RECEIPT_MAX_BYTES);
    receipt_write(&receipt, &out);
    if (out.size <= RECEIPT_MAX_BYTES)
        assert(receipt_read(buffer_view(&out), &again, &why) && again.count == receipt.count);
    buffer_release(&out);
    return 0;
}
