// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"

/*
 * object_classes: what every answer with an object says about itself: strong validator, digest,
 * version, how long a copy is good.  One table (object_classes.def), one function.
 */
enum object_class {
#define OBJECT(id, name, cache_control, etag, digest, what) OBJECT_##id,
#include "api/object_classes.def"
#undef OBJECT
    OBJECT_CLASSES
};

enum { OBJECT_DIGEST_BYTES = 32 };

struct object_facts {
    struct text etag;      /* without quotes; empty: from the digest, which must be there */
    const uint8_t *digest; /* SHA-256 of all bytes; NULL: not known */
    bool has_version;      /* of (epoch, number): told as Sostenuto-Version */
    uint64_t epoch, number;
};

/*
 * Call before the FINISHES call.  An answer whose digest was told is never coded on its way
 * (RFC 9530 3: it is the digest of what is sent).
 */
void object_fields(struct exchange *exchange, enum object_class class,
                   const struct object_facts *facts);
struct text object_cache_control(enum object_class class);

/* Of it the digest alone, as it is sent: "sha-256=:…:"; and its length. */
enum { OBJECT_DIGEST_TEXT_BYTES = 64 };
size_t object_digest_text(const uint8_t sha256[OBJECT_DIGEST_BYTES],
                          char ret[OBJECT_DIGEST_TEXT_BYTES]);
void object_tell_digest(struct exchange *exchange, const uint8_t sha256[OBJECT_DIGEST_BYTES]);
