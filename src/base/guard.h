// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * guard: protections that a drill may switch off.
 *
 *     if (guard_is_on(GUARD_MINIMUM_RATE) && is_too_slow(connection)) ...
 *
 * In an ordinary build every guard is on, and the compiler knows it: no code can switch one off.
 * In a -Ddrills=true build a process reads SOSTENUTO_GUARDS_OFF ("name,name") once, before it
 * starts a thread.
 */
enum guard {
#define GUARD(id, name, help) GUARD_##id,
#include "base/guards.def"
#undef GUARD
    GUARD_COUNT
};

const char *guard_name(enum guard guard);

#ifdef SOSTENUTO_DRILLS
bool guard_is_on(enum guard guard);
/* Switches off what `names` lists.  False, with the first name that no guard has, changing nothing.
 */
bool guards_switch_off(struct text names, struct text *ret_unknown) MUST_USE;
#else
static inline bool guard_is_on(enum guard guard UNUSED) { return true; }
#endif
