// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * onetime: the set-up code that is printed in the terminal and lets the first admin be made.
 *
 * Eight characters of the secret's alphabet in two groups ("K7QF-3MZP", 40 bits); upper and lower
 * case, dash or not.  Ten thousand wrong tries (one chance in a hundred million) and it is dead:
 * restart the server for a new one.  The caller makes each address wait between wrong tries, so
 * that a neighbour cannot use them up in passing.  A right answer does not use it up, so that a
 * failed set-up can be tried again; the caller calls onetime_spend() when the account is durable.
 */
enum { ONETIME_TRIES = 10000 };

struct onetime {
    char text[10]; /* NUL-terminated, to print */
    unsigned tries_left;
};

enum onetime_verdict { ONETIME_RIGHT, ONETIME_WRONG, ONETIME_DEAD };

void onetime_init(struct onetime *onetime); /* draws a new code */
enum onetime_verdict onetime_check(struct onetime *onetime,
                                   struct text typed) MUST_USE; /* constant time */
void onetime_spend(struct onetime *onetime);
