// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * tap: tests that read as claims, in the Test Anything Protocol.
 *
 *     OK(flight_join(table, 9) == FLIGHT_FULL, "a full table sheds load");
 *     return tap_done();
 *
 * A failed claim prints where it stands; the run goes on.
 */
#include "base/text.h"
#include <stdio.h>

static int tap_count, tap_failures;

static inline bool tap_ok(bool holds, const char *claim, const char *file, int line)
{
    printf("%sok %d - %s\n", holds ? "" : "not ", ++tap_count, claim);
    if (!holds) {
        tap_failures++;
        printf("# failed at %s:%d\n", file, line);
    }
    fflush(stdout);
    return holds;
}

static inline void tap_text(struct text got, struct text expected, const char *claim,
                            const char *file, int line)
{
    if (!tap_ok(text_equal(got, expected), claim, file, line))
        printf("# got \"%.*s\"\n# expected \"%.*s\"\n", TEXT_ARGS(got), TEXT_ARGS(expected));
}

#define OK(condition, claim) ((void)tap_ok((condition), (claim), __FILE__, __LINE__))
#define OK_TEXT(got, expected, claim) tap_text((got), (expected), (claim), __FILE__, __LINE__)

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failures ? 1 : 0;
}
