// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/nodes.h"

#include "api/inside.h"
#include "api/island.h"
#include "api/player.h"
#include "api/sealed.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/neighbours.h"
#include "io/server.h"
#include "trust/node_book.h"
#include "trust/node_list.h"

#include <inttypes.h>

enum {
    BODY_BYTES = SIGNED_MAX_BODY_BYTES,
    PATH_CHARACTERS = 4096,
    LOOK_EVERY_S = 3600,
    DOORS_BYTES = 4096
};

struct nodes {
    struct api *api;
    uint64_t number;
    int64_t since_s;
    uint64_t book_changes; /* that the body was made of, then */
    int64_t looked_s;
    struct buffer body;
    struct node_list *list; /* what the body says */
    struct sealed sealed;
    struct server *server; /* NULL before nodes_routes() */
};

/* --- the list --- */

static void write_urls(struct json *json, const struct text *urls, size_t count)
{
    json_name(json, "urls");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        json_text(json, urls[i]);
    json_end_array(json);
}

/* Where nodes reach it, once there is a door: "HOST:PORT", commas between. */
static void write_doors(struct json *json, const struct api_config *config)
{
    struct buffer doors;
    struct text rest, one;
    buffer_init(&doors, DOORS_BYTES);
    if (config->doors)
        config->doors(config->doors_context, &doors);
    rest = buffer_view(&doors);
    if (rest.size)
        json_name(json, "nodes");
    if (rest.size)
        json_begin_array(json);
    for (size_t i = 0; i < NODE_LIST_DOORS_MAX && text_split(&rest, ',', &one); i++)
        json_text(json, one);
    if (doors.size)
        json_end_array(json);
    buffer_release(&doors);
}

static void write_origin(struct json *json, const struct nodes *nodes)
{
    const struct api_config *config = &nodes->api->config;
    json_begin_object(json);
    player_write_uid(json, "id", state_health(config->state).device);
    json_member_text(json, "name", config->node_name);
    json_member_text(json, "role", TEXT("origin"));
    write_urls(json, config->node_urls, config->node_url_count);
    write_doors(json, config);
    json_member_i64(json, "since", nodes->since_s);
    json_end_object(json);
}

/* One that is revoked is listed, without addresses, until the book forgets it. */
static void write_edge(struct json *json, struct node_book *book, size_t i, int64_t now_s)
{
    struct node_seat seat;
    struct text urls[JOINING_URLS_MAX];
    node_book_at(book, i, &seat);
    if (!node_seat_has_key(&seat))
        return; /* /revoked names it */
    bool is_welcome = seat.revoked_s == 0 && seat.until_s > now_s;
    json_begin_object(json);
    player_write_uid(json, "id", seat.id);
    json_member_text(json, "name", text_of(seat.name));
    json_member_text(json, "role", TEXT("edge"));
    write_urls(json, urls, seat.revoked_s ? 0 : node_book_urls(book, i, urls));
    json_member_i64(json, "since", seat.joined_s);
    json_member_bool(json, "welcome", is_welcome);
    json_member_bytes(json, "public", seat.key, sizeof seat.key);
    json_name(json, "may");
    delegated_write(json, seat.may);
    json_member_i64(json, "until", seat.until_s);
    json_end_object(json);
}

static void write_body(struct nodes *nodes, int64_t now_s)
{
    struct json json;
    struct node_book *book = nodes->api->config.book;
    buffer_reset(&nodes->body);
    json_init(&json, &nodes->body);
    json_begin_object(&json);
    json_name(&json, "nodes");
    json_begin_array(&json);
    write_origin(&json, nodes);
    for (size_t i = 0; book && i < node_book_count(book); i++)
        write_edge(&json, book, i, now_s);
    json_end_array(&json);
    if (nodes->api->config.passkey_domain.size)
        json_member_text(&json, "passkeys", nodes->api->config.passkey_domain);
    json_end_object(&json);
}

/* Players of every node that listeners are sent to may ask here. */
static void tell_server(const struct nodes *nodes)
{
    struct text urls[NEIGHBOURS_MAX];
    size_t count = 0;
    for (size_t i = 0; nodes->list && i < node_list_count(nodes->list); i++) {
        const struct node_entry *node = node_list_at(nodes->list, i);
        bool is_known =
            node->role == NODE_ENTRY_ORIGIN || (node->role == NODE_ENTRY_EDGE && node->is_welcome);
        for (size_t k = 0; is_known && k < node->url_count && count < NEIGHBOURS_MAX; k++)
            urls[count++] = node->urls[k];
    }
    if (nodes->server)
        server_set_neighbours(nodes->server, urls, count);
}

static void take_list(struct nodes *nodes, struct text body)
{
    const char *why;
    struct node_list *list = node_list_read(body, &why);
    if (!list) {
        LOG(nodes->api->config.logger, LOG_WARNING, "the list of nodes is not understood",
            {"why", text_of(why)});
        return;
    }
    island_take_nodes(nodes->api, list);
    node_list_unref(&nodes->list);
    nodes->list = list;
    tell_server(nodes);
}

/* --- what was the list before: "NUMBER SINCE LF BODY" --- */

static bool path_of(const struct api *api, char path[PATH_CHARACTERS])
{
    return api->config.folder &&
           snprintf(path, PATH_CHARACTERS, "%s/nodes", api->config.folder) < PATH_CHARACTERS;
}

/* True when the list is what it was; then, and when only the content moved, `since` is kept. */
static bool recall(struct nodes *nodes, struct text kept, int64_t now_s)
{
    struct text rest = kept, line, number;
    uint64_t since_s;
    if (!text_split(&rest, '\n', &line) || !text_split(&line, ' ', &number) ||
        !text_to_u64(number, &nodes->number) || !text_to_u64(line, &since_s) || since_s > INT64_MAX)
        return false;
    nodes->since_s = (int64_t)since_s;
    write_body(nodes, now_s);
    return text_equal(rest, buffer_view(&nodes->body));
}

static void keep(const struct nodes *nodes, const char *path)
{
    struct buffer bytes;
    buffer_init(&bytes, BODY_BYTES + 64);
    buffer_printf(&bytes, "%" PRIu64 " %" PRId64 "\n", nodes->number, nodes->since_s);
    buffer_text(&bytes, buffer_view(&nodes->body));
    int error = file_write_atomic(AT_FDCWD, path, buffer_view(&bytes), 0600);
    if (error)
        LOG(nodes->api->config.logger, LOG_WARNING, "the list of nodes was not kept",
            {"why", log_errno(error)});
    buffer_release(&bytes);
}

static void write_anew(struct nodes *nodes, int64_t now_s)
{
    char path[PATH_CHARACTERS];
    uint64_t time = (uint64_t)now_s;
    nodes->number = nodes->number >= time ? nodes->number + 1 : time;
    nodes->since_s = nodes->since_s ? nodes->since_s : now_s;
    write_body(nodes, now_s);
    if (path_of(nodes->api, path))
        keep(nodes, path);
}

static void note_looked(struct nodes *nodes, int64_t now_s)
{
    const struct node_book *book = nodes->api->config.book;
    nodes->book_changes = book ? node_book_changes(book) : 0;
    nodes->looked_s = now_s;
}

/* A number that is lost goes on by the time, which is past every number given out. */
static void settle(struct nodes *nodes)
{
    char path[PATH_CHARACTERS];
    struct buffer kept;
    int64_t now_s = clock_unix_ms() / 1000;
    buffer_init(&kept, BODY_BYTES + 64);
    bool is_same = path_of(nodes->api, path) && file_read(AT_FDCWD, path, &kept) == 0 &&
                   recall(nodes, buffer_view(&kept), now_s);
    buffer_release(&kept);
    if (!is_same)
        write_anew(nodes, now_s);
    note_looked(nodes, now_s);
    take_list(nodes, buffer_view(&nodes->body));
}

/* Another book, or an hour, in which an edge's time may have ended. */
void nodes_look(struct nodes *nodes)
{
    const struct node_book *book = nodes->api->config.book;
    int64_t now_s = clock_unix_ms() / 1000, since_s = now_s - nodes->looked_s;
    if (api_follows(nodes->api) || !book ||
        (node_book_changes(book) == nodes->book_changes && since_s >= 0 && since_s < LOOK_EVERY_S))
        return;
    struct buffer before = nodes->body;
    buffer_init(&nodes->body, BODY_BYTES);
    write_body(nodes, now_s);
    note_looked(nodes, now_s);
    if (!text_equal(buffer_view(&before), buffer_view(&nodes->body))) {
        write_anew(nodes, now_s);
        take_list(nodes, buffer_view(&nodes->body));
    }
    buffer_release(&before);
}

/* --- serving --- */

static void handle(struct exchange *exchange, void *context)
{
    struct nodes *nodes = context;
    int64_t now_s = exchange_now_ms(exchange) / 1000;
    uint64_t epoch = state_health(nodes->api->config.state).epoch;
    nodes_look(nodes);
    if (!api_follows(nodes->api) &&
        !sealed_is_fresh(&nodes->sealed, nodes->api, epoch, nodes->number, now_s))
        sealed_sign(&nodes->sealed, nodes->api, TEXT("/nodes"), epoch, nodes->number,
                    buffer_view(&nodes->body), now_s);
    sealed_send(&nodes->sealed, exchange, OBJECT_NODES);
}

/* Whose pages may use passkeys of a domain that is not theirs (WebAuthn level 3, 5.11.1). */
static void handle_related(struct exchange *exchange, void *context UNUSED)
{
    struct buffer body;
    struct json json;
    struct text rest = exchange_neighbours(exchange), one;
    buffer_init(&body, BODY_BYTES);
    json_init(&json, &body);
    json_begin_object(&json);
    json_name(&json, "origins");
    json_begin_array(&json);
    while (text_split(&rest, ' ', &one))
        json_text(&json, one);
    json_end_array(&json);
    json_end_object(&json);
    exchange_field(exchange, "Cache-Control", TEXT("public, max-age=300"));
    exchange_send_text(exchange, 200, "application/json", buffer_view(&body));
    buffer_release(&body);
}

struct node_list *nodes_list(const struct nodes *nodes) { return nodes->list; }

uint64_t nodes_number(const struct nodes *nodes) { return nodes->number; }

uint64_t nodes_epoch(const struct nodes *nodes)
{
    return api_follows(nodes->api) ? nodes->sealed.epoch
                                   : state_health(nodes->api->config.state).epoch;
}

void nodes_take(struct nodes *nodes, struct sealed_version version, struct text bytes)
{
    struct text body;
    nodes->number = version.number;
    sealed_take(&nodes->sealed, version, bytes);
    if (signed_body(bytes, &body))
        take_list(nodes, body);
}

struct nodes *nodes_new(struct api *api)
{
    struct nodes *nodes = MEM_NEW(struct nodes);
    nodes->api = api;
    buffer_init(&nodes->body, BODY_BYTES);
    sealed_init(&nodes->sealed);
    if (!api_follows(api))
        settle(nodes);
    return nodes;
}

void nodes_free(struct nodes **nodes)
{
    if (!*nodes)
        return;
    node_list_unref(&(*nodes)->list);
    buffer_release(&(*nodes)->body);
    sealed_release(&(*nodes)->sealed);
    mem_free_p(nodes);
}

void nodes_routes(struct nodes *nodes, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/nodes",
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .is_shared = true,
                                                .handler = handle,
                                                .context = nodes});
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/.well-known/webauthn",
                                                .class = SHIELD_CLASS_NEW_VISIT,
                                                .is_shared = true,
                                                .handler = handle_related});
    nodes->server = server;
    tell_server(nodes);
}
