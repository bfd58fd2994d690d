// SPDX-License-Identifier: GPL-3.0-or-later
/* A listener's copy, or an offer, from a node that may be anybody's; then all of it is read. */
#include "copy_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[32];
    const struct offer_rules rules = {.until_ms = INT64_MAX >> 20, .now_ms = INT64_MAX >> 20};
    struct text bytes = text_make((const char *)data, size);
    struct state *state = copy_state();
    struct offer_taken taken;
    struct buffer whole;
    const char *why;
    (void)!state_copy_learn(state, copy_account, bytes, seed, &why);
    (void)!state_offer_take(state, copy_account, bytes, &rules, &taken, &why);
    buffer_init(&whole, 1 << 20);
    copy_rows_export(bytes, false, &whole);
    (void)!state_copy_learn(state, copy_account, buffer_view(&whole), seed, &why);
    buffer_reset(&whole);
    state_offer_write(state, copy_account, 1, &whole);
    (void)!state_offer_take(state, copy_account, buffer_view(&whole), &rules, &taken, &why);
    buffer_release(&whole);
    return 0;
}
