// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/revoked.h"

#include "api/object_classes.h"
#include "api/revoked_number.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/exchange.h"
#include "io/server.h"
#include "state/state.h"
#include "trust/keyring.h"
#include "trust/node_book.h"

#include <sodium.h>

enum { BODY_MAX_BYTES = 6 << 20, SIGN_EVERY_S = 60 * 60, LIFE_S = 24 * 60 * 60 };

struct revoked {
    struct buffer object;
    uint8_t digest[OBJECT_DIGEST_BYTES];
    struct revoked_number *numbers;
    uint64_t epoch, number;
    uint64_t state_version, ring_number, nodes_version; /* that it was made of */
    int64_t signed_s;
    bool is_made;
};

struct revoked *revoked_new(const struct api_config *config)
{
    struct revoked *revoked = MEM_NEW(struct revoked);
    revoked->numbers = revoked_number_new(config);
    buffer_init(&revoked->object, BODY_MAX_BYTES + SIGNED_MAX_PREAMBLE_BYTES * 2);
    return revoked;
}

void revoked_free(struct revoked **revoked)
{
    if (!*revoked)
        return;
    buffer_release(&(*revoked)->object);
    revoked_number_free(&(*revoked)->numbers);
    mem_free_p(revoked);
}

static void write_one(struct json *json, struct text id, int64_t until_s)
{
    json_begin_object(json);
    json_member_text(json, "id", id);
    json_member_i64(json, "until", until_s);
    json_end_object(json);
}

static void write_kind(struct json *json, const struct state *state, enum revocation_kind kind,
                       int64_t now_s)
{
    struct revocation_cursor cursor = {0};
    struct revocation one;
    json_begin_array(json);
    while (state_revocation_next(state, &cursor, &one)) {
        struct uid_text id;
        int64_t until_s = one.until_ms / 1000 + 1;
        if (one.kind == kind && until_s > now_s)
            write_one(json, uid_text(&id, one.id), until_s);
    }
    json_end_array(json);
}

static void write_keys(struct json *json, const struct keyring_content *content)
{
    json_begin_array(json);
    for (size_t i = 0; i < content->revoked_count; i++) {
        struct key_id_text id;
        write_one(json, key_id_text(&id, content->revoked[i].id), content->revoked[i].until_s);
    }
    json_end_array(json);
}

static uint64_t nodes_version(const struct api *api)
{
    return api->config.book ? node_book_revocations(api->config.book) : 0;
}

static void write_nodes(struct json *json, struct node_book *book, int64_t now_s)
{
    json_begin_array(json);
    for (size_t i = 0; book && i < node_book_count(book); i++) {
        struct node_seat seat;
        struct uid_text id;
        node_book_at(book, i, &seat);
        if (seat.revoked_s && seat.until_s > now_s)
            write_one(json, uid_text(&id, seat.id), seat.until_s);
    }
    json_end_array(json);
}

static void write_body(const struct api *api, int64_t now_s, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_name(&json, "sessions");
    write_kind(&json, api->config.state, REVOKED_SESSION, now_s);
    json_name(&json, "apps");
    write_kind(&json, api->config.state, REVOKED_APP, now_s);
    json_name(&json, "keys");
    write_keys(&json, keyring_content(api->ring));
    json_name(&json, "nodes");
    write_nodes(&json, api->config.book, now_s);
    json_end_object(&json);
}

static bool is_fresh(const struct revoked *revoked, const struct api *api, int64_t now_s)
{
    if (api_follows(api))
        return true; /* as the origin said it */
    return revoked->is_made &&
           revoked->state_version == state_revocations_version(api->config.state) &&
           revoked->ring_number == keyring_content(api->ring)->number &&
           revoked->nodes_version == nodes_version(api) && now_s >= revoked->signed_s &&
           now_s - revoked->signed_s < SIGN_EVERY_S;
}

static void make(struct revoked *revoked, const struct api *api, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;
    uint64_t epoch = state_health(api->config.state).epoch;
    struct buffer body;
    buffer_init(&body, BODY_MAX_BYTES);
    write_body(api, now_s, &body);
    revoked->number = revoked_number_next(revoked->numbers, now_ms);
    revoked->epoch = epoch;
    const struct signed_object object = {.name = TEXT("/revoked"),
                                         .epoch = epoch,
                                         .number = revoked->number,
                                         .issued_s = now_s,
                                         .expires_s = now_s + LIFE_S,
                                         .body = buffer_view(&body)};
    buffer_reset(&revoked->object);
    revoked->is_made =
        !body.overflowed && keyring_seal(api->ring, &object, now_s, &revoked->object);
    revoked->state_version = state_revocations_version(api->config.state);
    revoked->ring_number = keyring_content(api->ring)->number;
    revoked->nodes_version = nodes_version(api);
    revoked->signed_s = now_s;
    struct text whole = buffer_view(&revoked->object);
    crypto_hash_sha256(revoked->digest, (const uint8_t *)whole.data, whole.size);
    buffer_release(&body);
}

uint64_t revoked_number(struct api *api, int64_t now_ms)
{
    if (!is_fresh(api->revoked, api, now_ms / 1000))
        make(api->revoked, api, now_ms);
    return api->revoked->number;
}

uint64_t revoked_epoch(const struct api *api)
{
    return api->revoked->epoch ? api->revoked->epoch : state_health(api->config.state).epoch;
}

int64_t revoked_issued_s(const struct revoked *revoked) { return revoked->signed_s; }

void revoked_take(struct revoked *revoked, struct sealed_version version, int64_t issued_s,
                  struct text bytes)
{
    buffer_reset(&revoked->object);
    buffer_text(&revoked->object, bytes);
    crypto_hash_sha256(revoked->digest, (const uint8_t *)bytes.data, bytes.size);
    revoked->epoch = version.epoch;
    revoked->number = version.number;
    revoked->signed_s = issued_s;
    revoked->is_made = true;
}

static void handle_revoked(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct revoked *revoked = api->revoked;
    int64_t now_ms = exchange_now_ms(exchange);
    if (!is_fresh(revoked, api, now_ms / 1000))
        make(revoked, api, now_ms);
    if (!revoked->is_made) {
        exchange_send_empty(exchange, 503);
        return;
    }
    object_fields(exchange, OBJECT_REVOKED,
                  &(struct object_facts){.digest = revoked->digest,
                                         .has_version = true,
                                         .epoch = revoked->epoch,
                                         .number = revoked->number});
    buffer_text(exchange_output(exchange), buffer_view(&revoked->object));
    exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
}

void revoked_routes(struct api *api, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/revoked",
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .is_shared = true,
                                                .handler = handle_revoked,
                                                .context = api});
}
