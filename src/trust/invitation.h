// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * invitation: the one-time token with which an edge joins, as the operator carries it from one
 * terminal to the other:
 *
 *     sj1.ADDRESSES.FINGERPRINT.SECRET
 *
 *   sj1          version of this form
 *   ADDRESSES    base64url of "HOST:PORT", with commas between up to 8: the origin's, for nodes
 *   FINGERPRINT  base64url of SHA-256 of the root key (43 characters), as `sostenuto keys list` has
 *                it: an origin with another one is not the one that was meant
 *   SECRET       base64url of 32 random bytes; the origin keeps their SHA-256
 *
 * One word for a double click; what was cut off at its end is noticed, for the last part has one
 * length.  Pure.
 */
enum {
    INVITATION_SECRET_BYTES = 32,
    INVITATION_DIGEST_BYTES = 32,
    INVITATION_ADDRESSES_MAX = 8,
    INVITATION_ADDRESSES_BYTES = 600,
    INVITATION_TEXT_MAX_BYTES = 1024,
};

struct invitation {
    char addresses[INVITATION_ADDRESSES_BYTES]; /* NUL-terminated, commas between */
    uint8_t root_digest[INVITATION_DIGEST_BYTES];
    uint8_t secret[INVITATION_SECRET_BYTES];
};

void invitation_draw(struct invitation *invitation); /* a new secret */
/* What the origin keeps of the secret. */
void invitation_digest(const uint8_t secret[INVITATION_SECRET_BYTES],
                       uint8_t ret[INVITATION_DIGEST_BYTES]);
void invitation_write(const struct invitation *invitation, struct buffer *out);
/* White space around it is passed over.  False with static words in *ret_why. */
bool invitation_read(struct text token, struct invitation *ret, const char **ret_why) MUST_USE;

/* "HOST:PORT", HOST a name, an IPv4 address, or an IPv6 address in brackets; PORT not 0. */
bool invitation_address_is_sound(struct text address) MUST_USE;
