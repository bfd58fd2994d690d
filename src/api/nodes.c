// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/nodes.h"

#include "api/inside.h"
#include "api/player.h"
#include "api/sealed.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/server.h"

#include <inttypes.h>

enum { BODY_BYTES = 64 * 1024, PATH_CHARACTERS = 4096 };

struct nodes {
    struct api *api;
    uint64_t number;
    int64_t since_s;
    struct buffer body;
    struct sealed sealed;
};

/* --- the list --- */

static void write_body(struct nodes *nodes)
{
    struct json json;
    const struct api_config *config = &nodes->api->config;
    buffer_reset(&nodes->body);
    json_init(&json, &nodes->body);
    json_begin_object(&json);
    json_name(&json, "nodes");
    json_begin_array(&json);
    json_begin_object(&json);
    player_write_uid(&json, "id", state_health(config->state).device);
    json_member_text(&json, "name", config->node_name);
    json_member_text(&json, "role", TEXT("origin"));
    json_name(&json, "urls");
    json_begin_array(&json);
    for (size_t i = 0; i < config->node_url_count; i++)
        json_text(&json, config->node_urls[i]);
    json_end_array(&json);
    json_member_i64(&json, "since", nodes->since_s);
    json_end_object(&json);
    json_end_array(&json);
    json_end_object(&json);
}

/* --- what was the list before: "NUMBER SINCE LF BODY" --- */

static bool path_of(const struct api *api, char path[PATH_CHARACTERS])
{
    return api->config.folder &&
           snprintf(path, PATH_CHARACTERS, "%s/nodes", api->config.folder) < PATH_CHARACTERS;
}

/* True when the list is what it was; then, and when only the content moved, `since` is kept. */
static bool recall(struct nodes *nodes, struct text kept)
{
    struct text rest = kept, line, number;
    uint64_t since_s;
    if (!text_split(&rest, '\n', &line) || !text_split(&line, ' ', &number) ||
        !text_to_u64(number, &nodes->number) || !text_to_u64(line, &since_s) || since_s > INT64_MAX)
        return false;
    nodes->since_s = (int64_t)since_s;
    write_body(nodes);
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

/* A number that is lost goes on by the time, which is past every number given out. */
static void settle(struct nodes *nodes)
{
    char path[PATH_CHARACTERS];
    struct buffer kept;
    uint64_t now_s = (uint64_t)clock_unix_ms() / 1000;
    buffer_init(&kept, BODY_BYTES + 64);
    bool has_path = path_of(nodes->api, path);
    bool is_same =
        has_path && file_read(AT_FDCWD, path, &kept) == 0 && recall(nodes, buffer_view(&kept));
    buffer_release(&kept);
    if (is_same)
        return;
    nodes->number = nodes->number >= now_s ? nodes->number + 1 : now_s;
    nodes->since_s = nodes->since_s ? nodes->since_s : (int64_t)now_s;
    write_body(nodes);
    if (has_path)
        keep(nodes, path);
}

/* --- serving --- */

static void handle(struct exchange *exchange, void *context)
{
    struct nodes *nodes = context;
    int64_t now_s = exchange_now_ms(exchange) / 1000;
    uint64_t epoch = state_health(nodes->api->config.state).epoch;
    if (!api_follows(nodes->api) &&
        !sealed_is_fresh(&nodes->sealed, nodes->api, epoch, nodes->number, now_s))
        sealed_sign(&nodes->sealed, nodes->api, TEXT("/nodes"), epoch, nodes->number,
                    buffer_view(&nodes->body), now_s);
    sealed_send(&nodes->sealed, exchange, OBJECT_NODES);
}

uint64_t nodes_number(const struct nodes *nodes) { return nodes->number; }

uint64_t nodes_epoch(const struct nodes *nodes)
{
    return api_follows(nodes->api) ? nodes->sealed.epoch
                                   : state_health(nodes->api->config.state).epoch;
}

void nodes_take(struct nodes *nodes, struct sealed_version version, struct text bytes)
{
    nodes->number = version.number;
    sealed_take(&nodes->sealed, version, bytes);
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
}
