// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * breached: an operator's list of passwords that leaked, searched where it lies.
 *
 * A text file of lines in ascending order:
 *
 *     HASH[:anything]        HASH: 16 to 40 hexadecimal digits of the password's SHA-1, or 41 to 64
 *                            of its SHA-256; in all lines equally many, in either case
 *
 * "Have I Been Pwned" offers its lists so (ordered by hash; 40 digits, then a colon and a count).
 * Tens of gigabytes are fine: a look-up is some dozens of pread(), nothing is kept in memory.  32
 * digits are refused: those are hashes of NTLM.
 *
 * Opening looks at the first lines and at samples of the rest; what is wrong deeper is found by
 * the look-up that meets it.  Immutable: any thread may ask.  Blocks for the disk.
 */
struct breached;

enum { BREACHED_WHY_BYTES = 240, BREACHED_MIN_DIGITS = 16, BREACHED_MAX_DIGITS = 64 };
enum breached_verdict {
    BREACHED_NO,
    BREACHED_YES,
    BREACHED_UNKNOWN, /* the file could not be read, or is no such list there */
};

/* 0, or -errno with words in `why`: "FILE:LINE: …" or "FILE: byte N: …". */
int breached_open(const char *path, struct breached **ret, char why[BREACHED_WHY_BYTES]) MUST_USE;
void breached_close(struct breached **breached); /* accepts NULL */

/* `breached` NULL: no list, nothing is in it. */
enum breached_verdict breached_look_up(const struct breached *breached, struct text password);
