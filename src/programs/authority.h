// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * authority: the local certificate authority of `sostenuto tls init`, as files in STATE/keys.
 *
 *   ca.pem       the authority's private key and certificate, 0600
 *   ca.crt       its certificate alone: what devices install
 *   server.pem   the server's private key and certificate, 0600
 */
enum authority_outcome { AUTHORITY_KEPT, AUTHORITY_MADE };

/*
 * Issues a server certificate for `names` by the authority that is there, made first when there is
 * none or `is_new_authority`.  0 with *ret_outcome about the authority; -EPERM when the authority
 * may not sign one of the names; else -errno; all with words in `why`.
 */
int authority_init(const char *keys_folder, const struct text *names, size_t count,
                   bool is_new_authority, int64_t now_s, enum authority_outcome *ret_outcome,
                   struct buffer *why) MUST_USE;

/* 1 renewed, 0 not due (or not of our making), or -errno with words. */
int authority_renew(const char *keys_folder, int64_t now_s, struct buffer *why) MUST_USE;

/* SHA-256 of ca.crt; false when there is none. */
bool authority_fingerprint(const char *keys_folder, char ret_hex[96]) MUST_USE;
