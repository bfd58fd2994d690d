// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "shield/classes.h"

/*
 * door: one decision per arrival: serve, serve lighter, queue, challenge, refuse (DESIGN 1.3).
 *
 * Called by io/ at accept, after the header and before the body.  Pure: what it knows comes in as
 * arguments. Until the shield is built the answer is always SHIELD_SERVE, but every caller already
 * handles the others: SHIELD_QUEUE and SHIELD_CHALLENGE as 503 with Retry-After, SHIELD_REFUSE as
 * 403 or a closed connection.
 */
enum shield_moment { SHIELD_AT_ACCEPT, SHIELD_AT_HEADER, SHIELD_AT_BODY };
enum shield_verdict {
    SHIELD_SERVE,
    SHIELD_SERVE_LIGHTER,
    SHIELD_QUEUE,
    SHIELD_CHALLENGE,
    SHIELD_REFUSE
};

struct shield_arrival {
    enum shield_moment moment;
    enum shield_class class; /* at accept: NEW_VISIT */
    struct text address;     /* after trusted proxies */
    struct text path;        /* from the header on */
    uint64_t content_length; /* from the header on */
    uint64_t now_us;
};

struct shield; /* what the node measures; NULL for now */
enum shield_verdict shield_admit(struct shield *shield,
                                 const struct shield_arrival *arrival) MUST_USE;
