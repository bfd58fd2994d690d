// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * alphabet: 32 characters that people read out and type without mistakes (Crockford's base32,
 * lower case): no i, l, o, u.  What a person types is forgiven its case, dashes, spaces, and o
 * for 0, i and l for 1.
 */
enum { ALPHABET_GROUP = 4 };

/* `characters` random characters in dashed groups of four; `ret` takes characters + groups - 1 +
 * NUL. */
void alphabet_draw(char *ret, size_t characters, bool is_upper);
/* Canonical form of what was typed, as alphabet_draw() writes it; false unless exactly `characters`
 * of ours. */
bool alphabet_canonical(struct text typed, char *ret, size_t characters, bool is_upper) MUST_USE;
