// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/export.h"
#include "state/transfer.h"
#include "state/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct model_limits limits = {1000, 1000, 10, 10};
    struct export_end end;
    struct transfer nowhere;
    struct model model;
    model_init(&model, &limits);
    model_settle(&model);
    transfer_init(&nowhere, NULL);
    struct database_sink sink = transfer_sink(&nowhere);
    (void)export_read(text_make((const char *)data, size), &sink, &end);
    for (size_t i = 0; i < nowhere.effects->count; i++) /* as from a record that somebody filled */
        (void)model_learn(&model, &nowhere.effects->items[i], NULL);
    effects_reset(nowhere.effects);
    (void)!transfer_end(&nowhere);
    model_release(&model);
    return 0;
}
