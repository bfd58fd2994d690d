// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include "trust/uid.h"

/*
 * known: passwords that Argon2id proved in the last minutes, so that an app which sends its
 * password with every request pays for it once.
 *
 * What is kept is a BLAKE2b hash keyed by random bytes of this process, over account, stored
 * password hash and the typed password; so a changed password is unknown at once, and nothing here
 * can be turned back into one. A table of fixed size, newer entries overwrite older ones.
 */
struct known;

enum { KNOWN_LIFE_MS = 5 * 60 * 1000 };

struct known *known_new(void) MUST_USE;
void known_free(struct known **known); /* wipes */

bool known_has(const struct known *known, struct uid account, struct text hash,
               struct text password, int64_t now_ms) MUST_USE;
void known_put(struct known *known, struct uid account, struct text hash, struct text password,
               int64_t now_ms);
