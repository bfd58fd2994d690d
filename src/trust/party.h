// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * party: the name that passkeys belong to (the relying party's id, WebAuthn level 3, 5.1.2), over
 * the nodes of a service (docs/decisions/050-passkey-names.md).  Pure; texts are borrowed.
 *
 *     a page at the service's domain, or below it    the domain
 *     another page of the service, the domain said   the domain: a related origin (5.11.1)
 *     any other page                                 its own host, as without a service
 */
struct party {
    struct text domain; /* of the service; may be empty: none */
    bool is_said;       /* by an operator; else it is where the origin is */
};

enum { PARTY_MAX_BYTES = 253 };

/* The host in "https://host[:port][/path]" or "host[:port]"; brackets stay around IPv6. */
struct text party_host(struct text url);
/* A DNS name of letters, digits, '-' and '.', no address: browsers take no other. */
bool party_is_domain(struct text name);

/* Of a page whose host is `host`; `is_named`: the list of nodes names its origin. */
struct text party_of(const struct party *party, struct text host, bool is_named);
