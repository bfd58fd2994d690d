// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keyring.h"
#include "trust/uid.h"

struct json;

/*
 * delegation: what an edge may sign, said by the origin: the signed object /nodes/{id}
 * (docs/formats/joining.md).  An edge sends it along with what it signed, so that whoever holds
 * /keys can verify both; a revoked one is listed in /revoked.
 *
 * The edge's own signatures are Ed25519 by the key that is named here, over signed objects
 * (trust/signed.h) whose `key` line is that key's id.
 */
enum {
    DELEGATION_NAME_MAX_BYTES = 63, /* of a node, for people */
    DELEGATION_OBJECT_MAX_BYTES = 4096,
};
/* With its certificate (trust/node_certificate.h), and not past its signing key's end. */
#define DELEGATION_LIFE_S (30LL * 24 * 60 * 60)

enum delegated {
    DELEGATED_OPERATIONS = 1, /* that it accepted operations of its listeners */
    DELEGATED_SESSIONS = 2,   /* access tokens and grants for sessions that it renews */
};

struct delegation {
    struct uid id; /* node_id_of(key) */
    char name[DELEGATION_NAME_MAX_BYTES + 1];
    uint8_t key[SIGNED_PUBLIC_BYTES];
    uint32_t may;    /* enum delegated; words that we do not know are passed over */
    int64_t since_s; /* it joined */
    int64_t issued_s, expires_s;
};

/* Signs with the ring's key, for DELEGATION_LIFE_S from issued_s; expires_s is ours to say.  False
 * on a node that cannot sign. */
bool delegation_write(const struct keyring *ring, uint64_t epoch,
                      const struct delegation *delegation, struct buffer *out) MUST_USE;
/* SIGNED_GOOD, or SIGNED_EXPIRED with *ret filled too; SIGNED_MALFORMED also for a body that is
 * none, or an id that is not its key's. */
enum signed_verdict delegation_read(const struct keyring *ring, struct text object, int64_t now_s,
                                    struct delegation *ret) MUST_USE;

/* As they stand in /nodes too: an array of words, and what one word allows (0: it is not known). */
void delegated_write(struct json *json, uint32_t may);
uint32_t delegated_of_word(struct text word);

/* 1 to DELEGATION_NAME_MAX_BYTES letters, digits, '.', '_' and '-', beginning with one of the
 * first two. */
bool delegation_name_is_sound(struct text name) MUST_USE;
