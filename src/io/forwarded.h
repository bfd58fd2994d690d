// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "http/message.h"

/*
 * forwarded: who asks, behind proxies that we trust (X-Forwarded-For, X-Forwarded-Proto).
 *
 * Every proxy appends the address it saw.  So the right-most address that is not a proxy of ours is
 * the last one that somebody we trust has seen; everything left of it may be invented.  Call it
 * only for a connection whose own address is trusted.
 */
struct forwarded {
    struct address address;
    bool has_address; /* false: none readable; keep the connection's */
    bool is_secure;
};

struct forwarded forwarded_read(const struct http_request *request,
                                const struct address_block *trusted, size_t trusted_count);
