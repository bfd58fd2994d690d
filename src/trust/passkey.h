// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

/*
 * passkey: a WebAuthn credential (WebAuthn level 2, sections 7.1 and 7.2), verified by libfido2.
 *
 * What is asked for: a resident key, the user present and verified, no attestation.  What comes
 * from the browser is judged whole: client data (type, challenge, origin), relying party, flags,
 * signature. Whether the challenge was ours, and is used for the first time, is the caller's: it is
 * returned.
 */
enum {
    PASSKEY_CREDENTIAL_MAX_BYTES = 255,
    PASSKEY_KEY_MAX_BYTES = 272, /* RSA of 2048 bits */
    PASSKEY_CHALLENGE_MAX_BYTES = 64,
    PASSKEY_CLIENT_DATA_MAX_BYTES = 2048,
};

enum passkey_algorithm { PASSKEY_ES256 = -7, PASSKEY_EDDSA = -8, PASSKEY_RS256 = -257 }; /* COSE */

struct passkey {
    size_t credential_size, key_size;
    uint8_t credential[PASSKEY_CREDENTIAL_MAX_BYTES]; /* its id */
    uint8_t key[PASSKEY_KEY_MAX_BYTES];               /* as libfido2 gives it */
    int algorithm;
    uint32_t count; /* signature counter; 0 from those that have none */
};

/* Who we are to the browser. */
struct passkey_site {
    struct text host;   /* relying party id: the host without port */
    struct text origin; /* "https://host[:port]" */
};

struct passkey_challenge {
    char text[PASSKEY_CHALLENGE_MAX_BYTES + 1]; /* base64url as sent */
    size_t size;
};

/* By which an account's passkey is found: the first 16 bytes of SHA-256 of the credential's id. */
struct uid passkey_uid(struct text credential);

/* A new one.  False with static words; *ret_challenge then may be unset. */
bool passkey_register(const struct passkey_site *site, struct text client_data,
                      struct text authenticator_data, struct passkey *ret,
                      struct passkey_challenge *ret_challenge, const char **ret_why) MUST_USE;

/*
 * Signed by `passkey`?  On success *ret_count is its counter now; a counter that does not grow (and
 * is not 0 both times) is a copied key, and refused.
 */
bool passkey_assert(const struct passkey_site *site, const struct passkey *passkey,
                    struct text client_data, struct text authenticator_data, struct text signature,
                    uint32_t *ret_count, struct passkey_challenge *ret_challenge,
                    const char **ret_why) MUST_USE;
