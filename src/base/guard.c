// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/guard.h"

static const char *const guard_names[] = {
#define GUARD(id, name, help) name,
#include "base/guards.def"
#undef GUARD
};

const char *guard_name(enum guard guard) { return guard_names[guard]; }

#ifdef SOSTENUTO_DRILLS
static bool is_off[GUARD_COUNT]; /* written before the first thread starts, then only read */

bool guard_is_on(enum guard guard) { return !is_off[guard]; }

static size_t guard_named(struct text name)
{
    size_t at = 0;
    while (at < GUARD_COUNT && !text_equal(text_of(guard_names[at]), name))
        at++;
    return at;
}

bool guards_switch_off(struct text names, struct text *ret_unknown)
{
    bool wanted[GUARD_COUNT] = {false};
    while (text_split(&names, ',', ret_unknown)) {
        size_t at = guard_named(*ret_unknown);
        if (at == GUARD_COUNT)
            return false;
        wanted[at] = true;
    }
    for (size_t i = 0; i < GUARD_COUNT; i++)
        is_off[i] |= wanted[i];
    return true;
}
#endif
