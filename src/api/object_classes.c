// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/object_classes.h"

#include "base/encode.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>

enum { ETAG_DIGEST_BYTES = 16, FIELD_BYTES = 128 };

static const struct text policies[OBJECT_CLASSES] = {
#define OBJECT(id, name, cache_control, etag, digest, what) TEXT_INIT(cache_control),
#include "api/object_classes.def"
#undef OBJECT
};

struct text object_cache_control(enum object_class class) { return policies[class]; }

size_t object_digest_text(const uint8_t sha256[OBJECT_DIGEST_BYTES],
                          char ret[OBJECT_DIGEST_TEXT_BYTES])
{
    char base64[sodium_base64_ENCODED_LEN(OBJECT_DIGEST_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(base64, sizeof base64, sha256, OBJECT_DIGEST_BYTES,
                      sodium_base64_VARIANT_ORIGINAL);
    return (size_t)snprintf(ret, OBJECT_DIGEST_TEXT_BYTES, "sha-256=:%s:", base64);
}

void object_tell_digest(struct exchange *exchange, const uint8_t sha256[OBJECT_DIGEST_BYTES])
{
    char field[OBJECT_DIGEST_TEXT_BYTES];
    size_t size = object_digest_text(sha256, field);
    exchange_field(exchange, "Repr-Digest", text_make(field, size));
    exchange_keep_identity(exchange);
}

static void tell_etag(struct exchange *exchange, const struct object_facts *facts)
{
    struct buffer tag;
    buffer_init(&tag, FIELD_BYTES);
    if (facts->etag.size)
        buffer_text(&tag, facts->etag);
    else
        encode_base64url(&tag, facts->digest, ETAG_DIGEST_BYTES);
    exchange_etag(exchange, buffer_view(&tag));
    buffer_release(&tag);
}

void object_fields(struct exchange *exchange, enum object_class class,
                   const struct object_facts *facts)
{
    char version[FIELD_BYTES];
    assert(facts->etag.size || facts->digest);
    exchange_lasting_field(exchange, "Cache-Control", policies[class]);
    tell_etag(exchange, facts);
    if (facts->digest)
        object_tell_digest(exchange, facts->digest);
    if (!facts->has_version)
        return;
    int size =
        snprintf(version, sizeof version, "%" PRIu64 ".%" PRIu64, facts->epoch, facts->number);
    exchange_field(exchange, "Sostenuto-Version", text_make(version, (size_t)size));
}
