// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/signed.h"

/*
 * box: bytes that one node alone can open: libsodium's sealed box (X25519, XSalsa20-Poly1305) to
 * the X25519 form of the node's Ed25519 key (docs/formats/listeners.md).
 *
 * Anybody can seal one, so a box says nothing about who did: it travels inside a signed object.
 * What came out of one is a secret: wipe it.  Pure.
 */
enum { BOX_EXTRA_BYTES = 48, BOX_SEED_BYTES = 32 };

/* Appends `plain` and BOX_EXTRA_BYTES; false, appending nothing, for a key that is none, or when
 * there is no room. */
bool box_seal(const uint8_t key[SIGNED_PUBLIC_BYTES], struct text plain,
              struct buffer *out) MUST_USE;
/* Appends what was sealed to the key of `seed`; false, appending nothing: to another, or altered.
 */
bool box_open(const uint8_t seed[BOX_SEED_BYTES], struct text boxed, struct buffer *out) MUST_USE;
