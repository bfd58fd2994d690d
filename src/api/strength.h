// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>

/*
 * strength: is a new password hard to guess?  Judged by libzxcvbn (dictionaries, keyboard runs,
 * dates, repeats), with words for the person who has to think of a better one.
 *
 * Takes milliseconds: call it on a worker.  Enough is 2^27 guesses, some 10^8 (zxcvbn's "somewhat
 * guessable" ends there): behind Argon2id and growing waits that is out of reach.  Only the first
 * STRENGTH_MAX_BYTES are looked at.
 */
enum { STRENGTH_MIN_BYTES = 8, STRENGTH_MAX_BYTES = 100, STRENGTH_ENOUGH_BITS = 27 };

struct strength {
    bool is_enough;
    char words[200]; /* why not, and what helps */
};

struct strength strength_of(const char *password, const char *name);
