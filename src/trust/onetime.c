// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/onetime.h"

#include "trust/alphabet.h"

#include <assert.h>
#include <sodium.h>

enum { CHARACTERS = 8, TEXT_BYTES = CHARACTERS + 1 };

void onetime_init(struct onetime *onetime)
{
    int ready = sodium_init();
    assert(ready >= 0);
    alphabet_draw(onetime->text, CHARACTERS, true);
    onetime->tries_left = ONETIME_TRIES;
}

enum onetime_verdict onetime_check(struct onetime *onetime, struct text typed)
{
    char canonical[sizeof onetime->text] = {0};
    if (onetime->tries_left == 0)
        return ONETIME_DEAD;
    if (alphabet_canonical(typed, canonical, CHARACTERS, true) &&
        sodium_memcmp(canonical, onetime->text, TEXT_BYTES) == 0)
        return ONETIME_RIGHT;
    if (--onetime->tries_left == 0)
        onetime_spend(onetime);
    return ONETIME_WRONG;
}

void onetime_spend(struct onetime *onetime) { sodium_memzero(onetime, sizeof *onetime); }
