// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "http/caching.h"

/*
 * forward: a request as it goes on to an origin, and the fields of an answer as they come back
 * (RFC 9110 7.6).  Pure.  Unknown fields are kept; those of one connection are not.
 */
enum forward_conditions {
    FORWARD_AS_ASKED, /* the client's preconditions and ranges: the answer is for it alone */
    FORWARD_WHOLE,    /* none: what comes is to be kept */
    FORWARD_VALIDATE, /* ours: with the validators of what is stored */
};

struct forward {
    struct caching_fields asked; /* the client's request */
    enum forward_conditions conditions;
    bool keeps_range;             /* … but its Range goes along (FORWARD_WHOLE) */
    struct caching_fields stored; /* of FORWARD_VALIDATE, and of `part` */
    /* "bytes=…", a Range of ours, or TEXT_NONE; where something is stored with If-Range, unless it
     * is validated anyway: then a 304 speaks of the whole. */
    struct text part;
    /* This node asks for itself, by its certificate: no Via, which would say that it passes on, and
     * no grant (api/peers.h). */
    bool is_own;
    struct text client; /* address for X-Forwarded-For; data NULL: none is told */
    bool is_secure;
};

enum { FORWARD_EXTRA_FIELDS = 8 }; /* beside the client's own */
/* All texts are copies in the arena; a ceiling that is too low gives none and false. */
bool forward_request(const struct forward *forward, struct arena *arena,
                     struct caching_fields *ret) MUST_USE;

/*
 * Fields of an answer that are passed on or stored, Date and Via among them.  With `control` they
 * are to be stored: Age is left out, since it is in the freshness, and what no-cache and private
 * name.
 */
bool forward_response(struct caching_fields received, const struct caching_control *control,
                      int64_t now_ms, struct arena *arena, struct caching_fields *ret) MUST_USE;
