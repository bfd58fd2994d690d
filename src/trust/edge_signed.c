// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/edge_signed.h"

#include "base/guard.h"

const char *edge_signed_words(enum edge_signed_verdict verdict)
{
    static const char *const words[] = {
        [EDGE_SIGNED_GOOD] = "good",
        [EDGE_SIGNED_MALFORMED] = "it is not shaped like what an edge signs",
        [EDGE_SIGNED_UNKNOWN_KEY] = "the edge's delegation is signed by a key that is not known",
        [EDGE_SIGNED_FORGED] = "a signature does not verify",
        [EDGE_SIGNED_OTHER] = "another edge signed it, or it is another object",
        [EDGE_SIGNED_NOT_DELEGATED] = "the edge may not sign such things",
        [EDGE_SIGNED_OUTSIDE] = "it was made while the edge's delegation did not hold",
        [EDGE_SIGNED_REVOKED] = "the edge is revoked",
        [EDGE_SIGNED_EARLY] = "it was made in the future: one of the clocks is wrong",
        [EDGE_SIGNED_EXPIRED] = "it has expired",
    };
    return words[verdict];
}

static enum edge_signed_verdict of_signed(enum signed_verdict verdict)
{
    static const enum edge_signed_verdict same[] = {
        [SIGNED_GOOD] = EDGE_SIGNED_GOOD,       [SIGNED_MALFORMED] = EDGE_SIGNED_MALFORMED,
        [SIGNED_FORGED] = EDGE_SIGNED_FORGED,   [SIGNED_UNKNOWN_KEY] = EDGE_SIGNED_UNKNOWN_KEY,
        [SIGNED_OTHER] = EDGE_SIGNED_OTHER,     [SIGNED_EARLY] = EDGE_SIGNED_EARLY,
        [SIGNED_EXPIRED] = EDGE_SIGNED_EXPIRED,
    };
    return same[verdict];
}

enum edge_signed_verdict edge_signed_may(const struct edge_signed_rules *rules,
                                         const struct delegation *by, int64_t made_s)
{
    if (guard_is_on(GUARD_NODE_REVOKED) && rules->is_revoked(rules->context, by->id))
        return EDGE_SIGNED_REVOKED;
    if ((by->may & rules->may) != rules->may)
        return EDGE_SIGNED_NOT_DELEGATED;
    if (made_s > rules->now_s + SIGNED_EARLY_S)
        return EDGE_SIGNED_EARLY;
    if (made_s < by->issued_s - SIGNED_EARLY_S || made_s > by->expires_s)
        return EDGE_SIGNED_OUTSIDE;
    return EDGE_SIGNED_GOOD;
}

enum edge_signed_verdict edge_signed_delegation(const struct edge_signed_rules *rules,
                                                struct text delegation, int64_t made_s,
                                                struct delegation *ret)
{
    struct delegation read;
    enum signed_verdict verdict = delegation_read(rules->ring, delegation, rules->now_s, &read);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return of_signed(verdict);
    *ret = read;
    return edge_signed_may(rules, ret, made_s);
}

enum edge_signed_verdict edge_signed_open_by(const struct edge_signed_rules *rules,
                                             const struct delegation *by, struct text object,
                                             struct text name, struct signed_object *ret)
{
    struct signed_object opened;
    struct key_id key;
    if (!signed_names_key(object, &key))
        return EDGE_SIGNED_MALFORMED;
    if (!key_id_equal(key, key_id_of(by->key)))
        return EDGE_SIGNED_OTHER;
    enum signed_verdict verdict = signed_open(by->key, object, name, rules->now_s, &opened);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return of_signed(verdict);
    enum edge_signed_verdict may = edge_signed_may(rules, by, opened.issued_s);
    if (may == EDGE_SIGNED_GOOD)
        *ret = opened;
    return may == EDGE_SIGNED_GOOD ? of_signed(verdict) : may;
}

enum edge_signed_verdict edge_signed_open(const struct edge_signed_rules *rules,
                                          struct text delegation, struct text object,
                                          struct text name, struct signed_object *ret,
                                          struct delegation *ret_by)
{
    struct delegation by;
    enum signed_verdict verdict = delegation_read(rules->ring, delegation, rules->now_s, &by);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return of_signed(verdict);
    enum edge_signed_verdict opened = edge_signed_open_by(rules, &by, object, name, ret);
    if (opened == EDGE_SIGNED_GOOD || opened == EDGE_SIGNED_EXPIRED)
        *ret_by = by;
    return opened;
}
