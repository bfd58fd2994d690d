// SPDX-License-Identifier: GPL-3.0-or-later
/* keys: GET /keys, the list of keys that verifies everything else, for anybody. */
#include "api/inside.h"
#include "api/object_classes.h"
#include "io/exchange.h"
#include "io/server.h"
#include "trust/keyring.h"

#include <sodium.h>

static void handle_keys(struct exchange *exchange, void *context)
{
    const struct api *api = context;
    struct text object = keyring_object(api->ring);
    const struct keyring_content *content = keyring_content(api->ring);
    uint8_t digest[OBJECT_DIGEST_BYTES];
    if (!api->has_keys) {
        exchange_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_problem(exchange, 503, "Not now", "The origin's keys did not come yet.");
        return;
    }
    crypto_hash_sha256(digest, (const uint8_t *)object.data, object.size);
    object_fields(exchange, OBJECT_KEYS,
                  &(struct object_facts){.digest = digest,
                                         .has_version = true,
                                         .epoch = content->epoch,
                                         .number = content->number});
    buffer_text(exchange_output(exchange), object);
    exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
}

void key_routes(struct api *api, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/keys",
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .is_shared = true,
                                                .handler = handle_keys,
                                                .context = api});
}
