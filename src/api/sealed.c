// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/sealed.h"

#include "api/inside.h"
#include "trust/keyring.h"

#include <sodium.h>

void sealed_init(struct sealed *sealed)
{
    *sealed = (struct sealed){0};
    buffer_init(&sealed->bytes, SIGNED_MAX_BODY_BYTES + 2 * SIGNED_MAX_PREAMBLE_BYTES);
}

void sealed_release(struct sealed *sealed) { buffer_release(&sealed->bytes); }

bool sealed_is_fresh(const struct sealed *sealed, const struct api *api, uint64_t epoch,
                     uint64_t number, int64_t now_s)
{
    return sealed->bytes.size && sealed->epoch == epoch && sealed->number == number &&
           sealed->ring_number == keyring_content(api->ring)->number && now_s >= sealed->signed_s &&
           now_s - sealed->signed_s < SEALED_SIGN_EVERY_S;
}

void sealed_sign(struct sealed *sealed, const struct api *api, struct text name, uint64_t epoch,
                 uint64_t number, struct text body, int64_t now_s)
{
    const struct signed_object object = {.name = name,
                                         .epoch = epoch,
                                         .number = number,
                                         .issued_s = now_s,
                                         .expires_s = now_s + SEALED_LIFE_S,
                                         .body = body};
    buffer_reset(&sealed->bytes);
    if (!keyring_seal(api->ring, &object, now_s, &sealed->bytes))
        buffer_reset(&sealed->bytes);
    sealed->epoch = epoch;
    sealed->number = number;
    sealed->ring_number = keyring_content(api->ring)->number;
    sealed->signed_s = now_s;
    crypto_hash_sha256(sealed->digest, (const uint8_t *)sealed->bytes.data, sealed->bytes.size);
}

void sealed_take(struct sealed *sealed, struct sealed_version version, struct text bytes)
{
    buffer_reset(&sealed->bytes);
    buffer_text(&sealed->bytes, bytes);
    sealed->epoch = version.epoch;
    sealed->number = version.number;
    crypto_hash_sha256(sealed->digest, (const uint8_t *)bytes.data, bytes.size);
}

void sealed_send(const struct sealed *sealed, struct exchange *exchange, enum object_class class)
{
    if (!sealed->bytes.size) {
        exchange_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_problem(exchange, 503, "Not now", "This node has none just now.");
        return;
    }
    object_fields(exchange, class,
                  &(struct object_facts){.digest = sealed->digest,
                                         .has_version = true,
                                         .epoch = sealed->epoch,
                                         .number = sealed->number});
    buffer_text(exchange_output(exchange), buffer_view(&sealed->bytes));
    exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
}
