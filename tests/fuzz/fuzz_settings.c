// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings_file.h"

/* Any text is taken whole or refused with words; what was taken can be shown and set again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text content = {(const char *)data, size};
    if (text_contains(content, TEXT("include"))) /* would open files */
        return 0;
    struct settings settings;
    struct buffer why;
    settings_init(&settings);
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (!settings_parse(&settings, "fuzz", content, &why) && why.size == 0)
        __builtin_trap();
    settings_release(&settings);
    buffer_release(&why);
    return 0;
}
