// SPDX-License-Identifier: GPL-3.0-or-later
/* An offer whose sums are right, with any rows in both halves. */
#include "copy_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct offer_rules rules = {.until_ms = INT64_MAX >> 20, .now_ms = INT64_MAX >> 20};
    struct text bytes = text_make((const char *)data, size);
    struct offer_taken taken;
    struct buffer secrets, whole;
    const char *why;
    buffer_init(&secrets, 1 << 20);
    buffer_init(&whole, 2 << 20);
    copy_rows_export(bytes, true, &secrets);
    buffer_printf(&whole, "sostoffr");
    buffer_u32(&whole, (uint32_t)secrets.size);
    buffer_text(&whole, buffer_view(&secrets));
    copy_rows_export(bytes, false, &whole);
    (void)!state_offer_take(copy_state(), copy_account, buffer_view(&whole), &rules, &taken, &why);
    buffer_release(&secrets);
    buffer_release(&whole);
    return 0;
}
