// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/timestamp.h"
#include "tap.h"

int main(void)
{
    struct timestamp_text storage;
    int64_t ms;
    OK_TEXT(timestamp_rfc3339(&storage, 1795286936123), TEXT("2026-11-21T18:48:56.123Z"),
            "a moment is written");
    OK(timestamp_from_rfc3339(TEXT("2026-11-21T18:48:56.123Z"), &ms) && ms == 1795286936123,
       "and read back");
    OK(timestamp_from_rfc3339(TEXT("2026-11-21T20:48:56.1234567+02:00"), &ms) &&
           ms == 1795286936123,
       "offsets are taken off, fractions cut to ms");
    OK_TEXT(timestamp_rfc3339(&storage, -1), TEXT("1969-12-31T23:59:59.999Z"),
            "times before 1970 round down");
    OK(timestamp_from_rfc3339(TEXT("2024-02-29T00:00:00Z"), &ms), "a leap day exists");
    OK(!timestamp_from_rfc3339(TEXT("2023-02-29T00:00:00Z"), &ms),
       "a leap day that does not exist is refused");
    OK(!timestamp_from_rfc3339(TEXT("2026-11-21 18:48:56Z"), &ms) &&
           !timestamp_from_rfc3339(TEXT("2026-11-21T18:48:56"), &ms),
       "other shapes are refused");
    bool all_back = true;
    for (int64_t s = -62000000000; s < 250000000000; s += 86399999) {
        struct civil civil = civil_from_unix(s);
        all_back &= unix_from_civil(&civil) == s;
    }
    OK(all_back, "civil and Unix time agree over eight thousand years");
    OK(civil_from_unix(1795286936).weekday == 6, "21 November 2026 is a Saturday");
    return tap_done();
}
