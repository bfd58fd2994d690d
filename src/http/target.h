// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "http/refusal.h"

/*
 * target: a request target (RFC 9112 3.2) taken apart, its path made plain.
 *
 * The path comes out percent-decoded once, "%2F" excepted (kept, in capitals: it is data, not a
 * separator), with runs of slashes made one and dot segments removed.  It starts with '/', is valid
 * UTF-8 and has no control characters.  A target that climbs above the root is refused rather than
 * clamped: nobody sends one by accident.  All three borrow from the raw target or from the arena.
 */
struct http_target {
    struct text path;
    struct text query;     /* raw, after '?'; data NULL without one */
    struct text authority; /* of an absolute form, as received; data NULL otherwise */
    bool is_asterisk;      /* "*", as in OPTIONS *; the path is then "/" */
};

/* False with *ret_why for a target that is no origin, absolute or asterisk form, or that the arena
 * cannot hold. */
bool http_target_parse(struct arena *arena, struct text raw, struct http_target *ret,
                       struct http_refusal *ret_why) MUST_USE;

/*
 * A Host value (RFC 9110 7.2) in lower case in the arena: a name of letters, digits, '-', '_', '.',
 * or an IPv4 address, or "[IPv6]", each perhaps with ":port".  Data NULL when it is not one.
 */
struct text http_host_normalise(struct arena *arena, struct text raw) MUST_USE;
struct text http_host_without_port(struct text host);
