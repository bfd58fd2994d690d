// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keys.h"

/*
 * nonce: something that only we could have made, lately, for one purpose: what a proof must contain
 * so that it cannot have been made before.  Nothing is kept: it is a time, 8 random bytes and a
 * keyed hash over both and the purpose, so a flood of them costs no memory.
 *
 * One that must be good only once is also told to api/replay.h, when everything else about the
 * answer was right.
 */
enum { NONCE_TEXT_BYTES = 43, NONCE_LIFE_S = 5 * 60 };

struct nonce {
    char text[NONCE_TEXT_BYTES + 1]; /* base64url, NUL-terminated */
};

/* `purpose` keeps one kind's (or one account's) from serving as another's. */
void nonce_make(const struct keys *keys, struct text purpose, int64_t now_s, struct nonce *ret);
bool nonce_is_good(const struct keys *keys, struct text purpose, struct text nonce,
                   int64_t now_s) MUST_USE;
