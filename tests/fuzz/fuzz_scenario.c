// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/scenario.h"

/* Any text is a scenario that makes sense, or is refused with words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer why;
    buffer_init(&why, SCENARIO_WHY_MAX_BYTES);
    struct text content = {(const char *)data, size};
    struct scenario *scenario = scenario_parse("fuzz", content, &why);
    if (!scenario && why.size == 0 && !why.overflowed)
        __builtin_trap();
    for (size_t i = 0; scenario && i < scenario->fault_count; i++)
        if (scenario->faults[i].at_s < 0 || scenario->faults[i].at_s >= scenario->about.seconds)
            __builtin_trap();
    scenario_free(&scenario);
    buffer_release(&why);
    return 0;
}
