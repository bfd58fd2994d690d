// SPDX-License-Identifier: GPL-3.0-or-later
/* manifests: /m/{track}/manifest, signed (docs/formats/manifest.md). */
#include "api/manifests.h"

#include "api/inside.h"
#include "api/kept.h"
#include "api/object_classes.h"
#include "api/proof.h"
#include "api/renditions.h"
#include "base/mem.h"
#include "trust/keyring.h"

#include <sodium.h>

enum { GOOD_FOR_S = 30 * 24 * 3600, PROVISIONAL_GOOD_FOR_S = 3600 };

struct manifest_call {
    struct renditions_gathering gathering; /* first */
    struct exchange *exchange;
};

static bool parse(const struct exchange *exchange, struct catalog_id *ret)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1), track;
    enum catalog_kind kind;
    return text_split(&rest, '/', &track) && catalog_id_parse(track, &kind, ret) &&
           kind == CATALOG_TRACK && text_equal(rest, TEXT("manifest"));
}

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    if (status == 503)
        exchange_field(exchange, "Retry-After", TEXT("2"));
    exchange_send_problem(exchange, status, title, detail);
}

void manifests_send(struct exchange *exchange, const struct api *api, enum object_class class,
                    const struct buffer *body)
{
    struct buffer *out = exchange_output(exchange);
    bool is_provisional = class == OBJECT_MANIFEST_PROVISIONAL;
    int64_t now_ms = exchange_now_ms(exchange), now_s = now_ms / 1000;
    uint8_t digest[OBJECT_DIGEST_BYTES];
    const struct signed_object object = {
        .name = exchange_request(exchange)->path,
        .epoch = keyring_content(api->ring)->epoch,
        .number = (uint64_t)now_ms,
        .issued_s = now_s,
        .expires_s = now_s + (is_provisional ? PROVISIONAL_GOOD_FOR_S : GOOD_FOR_S),
        .body = buffer_view(body)};
    if (body->overflowed || !keyring_seal(api->ring, &object, now_s, out)) {
        refuse(exchange, 503, "Not now", "This node cannot sign just now.");
        return;
    }
    crypto_hash_sha256(digest, (const uint8_t *)out->data, out->size);
    object_fields(
        exchange, class,
        &(struct object_facts){
            .digest = digest, .has_version = true, .epoch = object.epoch, .number = object.number});
    exchange_set_class(exchange, SHIELD_CLASS_RUNNING);
    exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
}

static void send(struct exchange *exchange, const struct api *api, const struct manifest *manifest)
{
    struct buffer body;
    buffer_init(&body, SIGNED_MAX_BODY_BYTES);
    manifest_write(manifest, &body);
    manifests_send(
        exchange, api,
        manifest_is_provisional(manifest) ? OBJECT_MANIFEST_PROVISIONAL : OBJECT_MANIFEST, &body);
    buffer_release(&body);
}

static void on_gathered(struct renditions_gathering *gathering)
{
    struct manifest_call *call = (struct manifest_call *)gathering;
    const struct manifest *manifest = &gathering->manifest;
    if (gathering->is_unknown)
        kept_refuse(call->exchange);
    else
        send(call->exchange, gathering->api, manifest);
    renditions_release(gathering);
    mem_free(call);
}

static void manifest_at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct catalog_id id;
    struct hot_proof proof;
    struct track_row row;
    bool is_name = parse(exchange, &id);
    if (!proof_at_home(api, exchange, &proof))
        return;
    struct catalog *catalog = library_catalog(api->config.library);
    if (!is_name || !renditions_find_row(catalog, &proof, &id, &row)) {
        refuse(exchange, 404, "Not found",
               "There is nothing of this name, or not for this listener.");
    } else {
        struct manifest_call *call = MEM_NEW(struct manifest_call);
        call->exchange = exchange;
        if (!renditions_gather(&call->gathering, api, &row, on_gathered)) {
            renditions_release(&call->gathering);
            mem_free(call);
            refuse(exchange, 503, "Not now", "Too much is being read just now.");
        }
    }
    catalog_unref(&catalog);
}

bool manifests_handle(struct api *api, struct exchange *exchange)
{
    struct catalog_id id;
    if (!api->config.packager || !parse(exchange, &id))
        return false;
    exchange_go_home(exchange, manifest_at_home, api);
    return true;
}
