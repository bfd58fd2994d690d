// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/catalog_objects.h"

#include "api/credentials.h"
#include "api/endings.h"
#include "api/hot.h"
#include "api/inside.h"
#include "api/peers.h"
#include "api/proof.h"
#include "api/sealed.h"
#include "base/encode.h"
#include "base/mem.h"
#include "catalog/published.h"
#include "catalog/shelf.h"
#include "io/server.h"
#include "state/state.h"

#include <sodium.h>

struct catalog_objects {
    struct api *api;
    struct sealed lists[LIBRARY_MAX_ROOTS]; /* by library id - 1 */
};

/* --- names --- */

struct name {
    int32_t library;
    enum { NAME_CURRENT, NAME_VERSION, NAME_SEGMENT } what;
    uint64_t epoch, number;
    enum segment_object object;
    uint8_t digest[FORMAT_DIGEST_SIZE];
};

static bool parse_number(struct text digits, uint64_t *ret)
{
    return (digits.size < 2 || digits.data[0] != '0') && text_to_u64(digits, ret);
}

static bool is_lower_case(struct text hex)
{
    for (size_t i = 0; i < hex.size; i++)
        if (hex.data[i] >= 'A' && hex.data[i] <= 'Z')
            return false;
    return true;
}

/* EPOCH.NUMBER, or 64 hex digits and ".core" or ".detail". */
static bool parse_part(struct text part, struct name *ret)
{
    struct text rest = part, front;
    if (!text_split(&rest, '.', &front) || !rest.data)
        return false;
    if (front.size != (size_t)2 * FORMAT_DIGEST_SIZE) {
        ret->what = NAME_VERSION;
        return parse_number(front, &ret->epoch) && parse_number(rest, &ret->number);
    }
    ret->what = NAME_SEGMENT;
    ret->object = text_equal(rest, TEXT("core")) ? SEGMENT_CORE : SEGMENT_DETAIL;
    return (ret->object == SEGMENT_CORE || text_equal(rest, TEXT("detail"))) &&
           is_lower_case(front) &&
           decode_hex(front, ret->digest, sizeof ret->digest) == sizeof ret->digest;
}

static bool parse(const struct exchange *exchange, struct name *ret)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/catalog/") - 1), id;
    uint64_t library;
    *ret = (struct name){0};
    if (!text_split(&rest, '/', &id) || !parse_number(id, &library) || library < 1 ||
        library > LIBRARY_MAX_ROOTS)
        return false;
    ret->library = (int32_t)library;
    return !rest.data || parse_part(rest, ret);
}

/* --- who asks --- */

/* All libraries for an edge; those of an access token's account, or of a grant that is not for one
 * track alone.  False after answering. */
static bool prove(struct api *api, struct exchange *exchange, uint64_t *ret_libraries)
{
    struct hot_proof proof;
    struct node_seat seat;
    if (peers_node(api, exchange, &seat)) {
        peers_show(exchange, &seat);
        *ret_libraries = UINT64_MAX;
        return true;
    }
    const struct session *session = credentials_bearer(api, exchange);
    const struct account *account =
        session ? state_account(api->config.state, session->account) : NULL;
    if (account && !account->is_disabled) {
        exchange_set_user(exchange, account->name);
        endings_own(exchange, account->id, session->id);
        *ret_libraries = account->libraries;
        return true;
    }
    if (!proof_at_home(api, exchange, &proof))
        return false;
    *ret_libraries = hot_proof_opens_art(&proof) ? proof.libraries : 0;
    return true;
}

/* --- answers --- */

static void not_found(struct exchange *exchange)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, 404, "Not found",
                          "There is nothing of this name now, or not for this listener: ask for "
                          "the current list.");
}

static void send_current(struct catalog_objects *objects, struct exchange *exchange,
                         const struct name *name, const struct list *list)
{
    struct sealed *sealed = &objects->lists[name->library - 1];
    int64_t now_s = exchange_now_ms(exchange) / 1000;
    if (!api_follows(objects->api) &&
        !sealed_is_fresh(sealed, objects->api, list->epoch, list->number, now_s)) {
        struct buffer body;
        buffer_init(&body, PUBLISHED_MAX_BYTES);
        published_write(list, &body);
        sealed_sign(sealed, objects->api, exchange_request(exchange)->path, list->epoch,
                    list->number, buffer_view(&body), now_s);
        buffer_release(&body);
    }
    sealed_send(sealed, exchange, OBJECT_CATALOG);
}

static void send_version(struct exchange *exchange, const struct list *list)
{
    uint8_t digest[OBJECT_DIGEST_BYTES];
    struct buffer *body = exchange_output(exchange);
    published_write(list, body);
    crypto_hash_sha256(digest, (const uint8_t *)body->data, body->size);
    object_fields(
        exchange, OBJECT_CATALOG_VERSION,
        &(struct object_facts){
            .digest = digest, .has_version = true, .epoch = list->epoch, .number = list->number});
    exchange_send_output(exchange, 200, "application/json");
}

static void send_segment(struct exchange *exchange, const struct shelf *shelf,
                         const struct name *name)
{
    uint64_t size_bytes;
    int fd = shelf_open(shelf, name->digest, name->object, &size_bytes);
    if (fd < 0) {
        not_found(exchange);
        return;
    }
    object_fields(exchange, OBJECT_CATALOG_SEGMENT, &(struct object_facts){.digest = name->digest});
    exchange_set_class(exchange, SHIELD_CLASS_BACKGROUND);
    exchange_send_file(exchange, "application/octet-stream", fd, size_bytes);
}

static void handle(struct exchange *exchange, void *context)
{
    struct catalog_objects *objects = context;
    struct name name;
    uint64_t libraries;
    bool is_name = parse(exchange, &name);
    if (!prove(objects->api, exchange, &libraries))
        return;
    bool has_right = is_name && (libraries & UINT64_C(1) << (name.library - 1));
    const struct shelf *shelf =
        has_right ? library_shelf(objects->api->config.library, name.library) : NULL;
    const struct list *list = !shelf                      ? NULL
                              : name.what == NAME_CURRENT ? shelf_current(shelf)
                              : name.what == NAME_VERSION
                                  ? shelf_version(shelf, name.epoch, name.number)
                                  : NULL;
    if (shelf && name.what == NAME_SEGMENT)
        send_segment(exchange, shelf, &name);
    else if (!list)
        not_found(exchange);
    else if (name.what == NAME_CURRENT)
        send_current(objects, exchange, &name, list);
    else
        send_version(exchange, list);
}

/* --- life --- */

struct catalog_objects *catalog_objects_new(struct api *api)
{
    struct catalog_objects *objects = MEM_NEW(struct catalog_objects);
    objects->api = api;
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        sealed_init(&objects->lists[i]);
    return objects;
}

void catalog_objects_free(struct catalog_objects **objects)
{
    if (!*objects)
        return;
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        sealed_release(&(*objects)->lists[i]);
    mem_free_p(objects);
}

void catalog_objects_take(struct catalog_objects *objects, struct text name,
                          struct sealed_version version, struct text bytes)
{
    uint64_t library;
    if (text_starts(name, TEXT("/catalog/")) &&
        parse_number(text_from(name, sizeof("/catalog/") - 1), &library) && library >= 1 &&
        library <= LIBRARY_MAX_ROOTS)
        sealed_take(&objects->lists[library - 1], version, bytes);
}

void catalog_objects_routes(struct catalog_objects *objects, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/catalog/",
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .handler = handle,
                                                .context = objects});
}
