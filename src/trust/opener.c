// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/opener.h"

struct uid opener_draw(const struct keyring *ring, int64_t now_s)
{
    struct uid session = uid_random();
    struct key_id own;
    bool is_origin = keyring_signing(ring, now_s, &own);
    if (!is_origin && keyring_signing_session(ring, now_s, &own))
        memcpy(session.bytes + OPENER_RANDOM_BYTES, own.bytes, KEY_ID_BYTES);
    return session;
}

/* A node's id begins with its key's: both are the first bytes of one hash. */
bool opener_is(struct uid session, struct uid node)
{
    return !uid_is_none(node) &&
           memcmp(session.bytes + OPENER_RANDOM_BYTES, node.bytes, KEY_ID_BYTES) == 0;
}
