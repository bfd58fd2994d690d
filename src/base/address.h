// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * address: IP addresses and blocks of them as values.  IPv4 is kept in its IPv4-mapped IPv6 form
 * (RFC 4291 2.5.5.2), so there is one kind of address, and ::ffff:192.0.2.1 is 192.0.2.1.
 */
struct address {
    uint8_t bytes[16];
};

struct address_block {
    struct address first;
    uint8_t prefix_bits; /* of 128 */
};

struct address_text {
    char digits[46];
};

struct address address_v4(uint32_t host_order);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; no port, no zone. */
bool address_parse(struct text t, struct address *ret) MUST_USE;
/* IPv4-mapped addresses as IPv4.  The text is NUL-terminated, in caller's storage. */
struct text address_show(const struct address *address, struct address_text *storage);

/* An address alone, or with "/bits"; bits beyond the prefix must be zero. */
bool address_block_parse(struct text t, struct address_block *ret) MUST_USE;
bool address_block_contains(const struct address_block *block, const struct address *address);

/* Loopback, link-local, RFC 1918, RFC 4193: what does not come from the public internet. */
bool address_is_private(const struct address *address);
