// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * twin: claims that hold because of a guard, and must not hold without it.
 *
 *     twin_begin();  first of all: switches off what SOSTENUTO_GUARDS_OFF names, in a drills build
 *     OK_GUARDED(GUARD_ENCODE_QUEUE, begin(...) == MEDIA_BUSY, "a seventeenth does not wait");
 *
 * The same test runs once as it is and once for each guard that meson.build lists in `twins`: then
 * the claims of that guard count as passed when they fail, and all others as ever.
 */
#include "base/guard.h"
#include "tap.h"
#include <stdlib.h>

static inline void twin_begin(void)
{
#ifdef SOSTENUTO_DRILLS
    struct text unknown;
    const char *names = getenv("SOSTENUTO_GUARDS_OFF");
    if (names && !guards_switch_off(text_of(names), &unknown)) {
        printf("Bail out! there is no guard \"%.*s\"\n", TEXT_ARGS(unknown));
        exit(1);
    }
#endif
}

static inline void twin_ok(enum guard guard, bool holds, const char *claim, const char *file,
                           int line)
{
    char words[256];
    (void)snprintf(words, sizeof words, "without %s it is not so that %s", guard_name(guard),
                   claim);
    if (guard_is_on(guard))
        (void)tap_ok(holds, claim, file, line);
    else
        (void)tap_ok(!holds, words, file, line);
}

#define OK_GUARDED(guard, condition, claim) \
    twin_ok((guard), (condition), (claim), __FILE__, __LINE__)
