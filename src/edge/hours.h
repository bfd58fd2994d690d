// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * hours: a part of the day, "02:00-06:00", from its first minute to the one before its last; over
 * midnight when it ends before it begins.  Pure; whose clock it is says the caller.
 */
enum { HOURS_DAY_MINUTES = 24 * 60 };
struct hours {
    unsigned from, to; /* minutes of the day; the same: all of it */
};

/* False for anything but HH:MM-HH:MM, and for an empty part. */
bool hours_parse(struct text words, struct hours *ret) MUST_USE;
bool hours_have(const struct hours *hours, unsigned minute);
