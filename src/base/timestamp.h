// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * timestamp: Unix time in milliseconds, UTC, as a value; reading a clock is io/clock's.
 * Civil dates are proleptic Gregorian, years 0 to 9999; own arithmetic, no time zone database.
 */
struct timestamp_text {
    char digits[32];
};

/* "2026-11-21T18:48:56.123Z" (RFC 3339) into caller's storage. */
struct text timestamp_rfc3339(struct timestamp_text *storage, int64_t unix_ms);
/* Date with "T", optional fraction, "Z" or "+hh:mm"; false for anything else. */
bool timestamp_from_rfc3339(struct text t, int64_t *ret_unix_ms) MUST_USE;

struct civil {
    int32_t year;
    uint8_t month, day, hour, minute, second; /* 1-12, 1-31, 0-23, 0-59, 0-59 */
    uint8_t weekday;                          /* 0 is Sunday */
};
struct civil civil_from_unix(int64_t unix_s);
int64_t unix_from_civil(const struct civil *civil); /* weekday ignored */
