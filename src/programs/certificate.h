// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include <openssl/types.h>

/*
 * certificate: X.509 (RFC 5280) by libcrypto: a small private authority and the certificates that
 * it signs.
 *
 * Keys are ECDSA P-256.  The authority may sign names beneath its permitted ones and private
 * addresses only (name constraints, critical), so whoever steals its key cannot pose as somebody's
 * bank.  NULL results mean that libcrypto failed; certificate_error() has its words.
 */
enum {
    CERTIFICATE_AUTHORITY_DAYS = 3650,
    CERTIFICATE_SERVER_DAYS = 397, /* what every browser accepts */
    CERTIFICATE_RENEW_DAYS = 60,   /* before its end */
    CERTIFICATE_MAX_NAMES = 32,
};

EVP_PKEY *certificate_key_new(void) MUST_USE;

/* Names are checked host names or addresses.  `label` becomes the common name people see in their
 * settings. */
X509 *certificate_authority_new(EVP_PKEY *key, const char *label, const struct text *names,
                                size_t count, int64_t now_s) MUST_USE;
/* A server certificate for `names`, the first of which is the common name. */
X509 *certificate_server_new(EVP_PKEY *key, const struct text *names, size_t count, X509 *authority,
                             EVP_PKEY *authority_key, int64_t now_s) MUST_USE;
/* The same names as `former`, for another term. */
X509 *certificate_server_again(EVP_PKEY *key, X509 *former, X509 *authority,
                               EVP_PKEY *authority_key, int64_t now_s) MUST_USE;

/* True when the authority's constraints let it sign for that name. */
bool certificate_permits(X509 *authority, struct text name) MUST_USE;
bool certificate_is_due(const X509 *certificate,
                        int64_t now_s) MUST_USE; /* ends within CERTIFICATE_RENEW_DAYS */

/* PEM; appended to `out`.  False when libcrypto failed. */
bool certificate_write(X509 *certificate, struct buffer *out) MUST_USE;
bool certificate_write_key(EVP_PKEY *key, struct buffer *out) MUST_USE;
X509 *certificate_read(struct text pem) MUST_USE;
EVP_PKEY *certificate_read_key(struct text pem) MUST_USE;
/* SHA-256 over the DER form, as people compare it: "AB:CD:…" (95 characters). */
bool certificate_fingerprint(const X509 *certificate, char ret_hex[96]) MUST_USE;
const char *certificate_error(void);
