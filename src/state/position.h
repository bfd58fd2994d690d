// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * position: where an entry stands in a playlist: the digits of a fraction between 0 and 1 in base
 * 62 (0-9 A-Z a-z, in ASCII order), without trailing zeros, so that comparing bytes compares
 * fractions and there is always room between two.  "" stands for either end.
 *
 * After the last and before the first, steps of 62^3 in the first eight digits are taken, so
 * lists that grow at an end keep short positions.
 */
enum { POSITION_BYTES = 64 };

struct position {
    char digits[POSITION_BYTES + 1]; /* NUL-terminated */
};

bool position_is_valid(struct text t);
/* A position between; `after` empty: the end; `before` empty: the start.  False when 64 digits do
 * not suffice. */
bool position_between(struct text before, struct text after, struct position *ret) MUST_USE;
