// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "state/subject.h"

/*
 * operation: one idempotent change to somebody's state, as it travels, as it lies in the journal.
 *
 * Its id is (device, seq) and is made where the operation was born; it may be delivered any
 * number of times, by any path, in any order.  Every operation belongs to one account and can
 * change only that account's state. The payload is the text of one JSON object (RFC 8259), kept
 * byte for byte; operations of kinds that we do not know are kept and passed on unchanged.
 * Format: docs/formats/operations.md.
 */
enum operation_kind {
#define KIND(id, name, class, payload) KIND_##id,
#include "state/kinds.def"
#undef KIND
    KIND_UNKNOWN, /* keep and forward */
};

enum operation_class { OPERATION_MERGEABLE, OPERATION_AUTHORITATIVE, OPERATION_REVOKING };

enum {
    OPERATION_MAX_PAYLOAD_BYTES = 256 * 1024,
    OPERATION_MAX_KIND_BYTES = 32,
    OPERATION_MAX_PROOF_BYTES = 1536,
    OPERATION_MAX_BYTES = OPERATION_MAX_PAYLOAD_BYTES + OPERATION_MAX_PROOF_BYTES + 256,
    OPERATION_FUTURE_MS =
        60 * 1000, /* a stamp further ahead than this wins nothing and moves no clock */
};

struct operation {
    struct uid device;
    uint64_t seq;        /* from 1 */
    uint64_t hlc;        /* hybrid logical clock: Unix ms << 16 | counter */
    int64_t accepted_ms; /* Unix ms, stamped by the first durable node; 0 before */
    struct uid account;
    struct text kind;    /* name: lower-case letters, digits and dots; borrowed */
    struct text payload; /* borrowed */
    /* Of a visitor, from the edge that accepted it to the origin (api/speaks.h); borrowed, empty
     * elsewhere, and no part of what the operation says. */
    struct text proof;
    uint64_t digest; /* operation_digest(), when somebody has taken it already; else 0 */
};

/* Bit 62 of seq marks a derived id (operation_derive_id); devices count far below it. */
#define OPERATION_DERIVED (1ULL << 62)

/* Total order of two operations on the same thing: the greater wins. */
struct operation_order {
    bool is_final; /* a tombstone: above all that are not */
    uint64_t hlc;  /* min(hlc, accepted + 60 s) */
    struct uid device;
    uint64_t seq;
};

enum operation_kind operation_kind_from(struct text name);
const char *operation_kind_name(enum operation_kind kind);
enum operation_class
operation_kind_class(enum operation_kind kind); /* unknown kinds are mergeable */

struct operation_order operation_order(const struct operation *operation);
int operation_order_compare(const struct operation_order *a, const struct operation_order *b);
/* 64 bits of BLAKE2b over everything but accepted_ms: tells "the same again" from "the same id,
 * other bytes". */
uint64_t operation_digest(const struct operation *operation);

/* Binary form, as in the journal. */
void operation_encode(const struct operation *operation, struct buffer *out);
/* Borrows from `bytes`.  False with a reason for anything but one whole, valid operation. */
bool operation_decode(struct text bytes, struct operation *ret, const char **ret_why) MUST_USE;

/*
 * An id derived from what is meant, so that the same OpenSubsonic request sent twice, even to two
 * nodes, is one operation: device from (account, client), seq from (kind, subject, time), at
 * least OPERATION_DERIVED and below 2^63.
 */
void operation_derive_id(struct operation *operation, struct text client, struct subject subject,
                         int64_t time_ms);
