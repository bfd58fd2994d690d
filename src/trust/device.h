// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keys.h"
#include "trust/uid.h"

/*
 * device: says that this browser was signed in to an account before, so that strangers' wrong
 * passwords do not make it wait.  It signs nobody in.
 *
 * Cookie text: base64url of account 16, device 16 (random), issued i64 (Unix s), keyed BLAKE2b 32.
 * Nothing is kept; another sealing key makes them worthless.
 */
enum { DEVICE_TEXT_BYTES = 96 };
#define DEVICE_LIFE_S (365LL * 24 * 60 * 60)

struct device {
    char text[DEVICE_TEXT_BYTES + 1]; /* NUL-terminated */
};

void device_make(const struct keys *keys, struct uid account, int64_t now_s, struct device *ret);
/* False for one of another account, too old, or not ours. */
bool device_read(const struct keys *keys, struct text cookie, struct uid account, int64_t now_s,
                 struct uid *ret_device) MUST_USE;
