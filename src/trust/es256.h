// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

#include <stdint.h>

/* es256: ECDSA on P-256 with SHA-256 as JOSE has it (RFC 7518 3.4), verified by OpenSSL. */
enum { ES256_SIGNATURE_BYTES = 64 };

struct es256_key {
    uint8_t x[32], y[32]; /* big-endian; may be no point of the curve: that verifies nothing */
};

bool es256_verify(const struct es256_key *key, struct text message,
                  const uint8_t signature[ES256_SIGNATURE_BYTES]) MUST_USE;
