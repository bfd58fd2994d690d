// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * hash: 64 bits for tables, keyed against chosen collisions (SipHash-2-4, Aumasson and Bernstein
 * 2012), and CRC-32C (RFC 3720 B.4) for records on disk. Not for identity or trust: those use
 * SHA-256 or BLAKE2b of the crypto library.
 */
struct hash_key {
    uint64_t k0, k1;
};

uint64_t hash_bytes(struct hash_key key, const void *data, size_t size);
uint32_t crc32c(uint32_t crc, const void *data, size_t size); /* start with 0 */
/* Mixes an integer: a bijection with good avalanche (splitmix64's finaliser). */
uint64_t hash_mix(uint64_t value);
