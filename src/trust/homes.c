// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/homes.h"

#include <sodium.h>

struct score {
    uint8_t bytes[crypto_hash_sha256_BYTES];
};

static struct score score_of(struct uid account, struct uid edge)
{
    struct score score;
    uint8_t both[2 * UID_BYTES];
    memcpy(both, account.bytes, UID_BYTES);
    memcpy(both + UID_BYTES, edge.bytes, UID_BYTES);
    crypto_hash_sha256(score.bytes, both, sizeof both);
    return score;
}

static bool is_higher(const struct score *a, const struct score *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) > 0;
}

struct homes homes_of(struct uid account, const struct uid *edges, size_t edge_count)
{
    struct homes homes = {{{0}}, {{0}}};
    struct score best = {{0}}, second = {{0}};
    for (size_t i = 0; i < edge_count; i++) {
        if (uid_is_none(edges[i]) || uid_equal(edges[i], homes.home))
            continue;
        const struct score score = score_of(account, edges[i]);
        if (uid_is_none(homes.home) || is_higher(&score, &best)) {
            homes.backup = homes.home;
            second = best;
            homes.home = edges[i];
            best = score;
        } else if (uid_is_none(homes.backup) || is_higher(&score, &second)) {
            homes.backup = edges[i];
            second = score;
        }
    }
    return homes;
}
