// SPDX-License-Identifier: GPL-3.0-or-later
/* Edges of a fleet: each joins by an invitation of its own, and follows. */
#include "drills/fleet_state.h"

#include "io/clock.h"
#include "io/file.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LEVEL_MS = 30000, TOKEN_BYTES = 1100, STATUS_BYTES = 256 << 10 };

bool fleet_join_settle(struct fleet *fleet, struct buffer *settings, struct buffer *why)
{
    const struct scenario *scenario = fleet->config.scenario;
    fleet->node_port = fleet_free_port();
    uint16_t seen_port = fleet->node_port;
    if (scenario->topology.proxy && fleet->node_port) {
        fleet->proxy = fault_proxy_start(fleet->node_port, (uint64_t)scenario->about.seed);
        seen_port = fleet->proxy ? fault_proxy_port(fleet->proxy) : 0;
    }
    if (seen_port == 0)
        buffer_printf(why, "there is no free port for nodes, or no proxy before it");
    buffer_printf(settings, "nodes = \"127.0.0.1:%u\"\nnode_addresses = { \"127.0.0.1:%u\" }\n",
                  fleet->node_port, seen_port);
    return seen_port > 0;
}

static bool write_token(struct fleet *fleet, const char *name, struct buffer *why)
{
    char token[TOKEN_BYTES];
    const char *const invite[] = {"invite", name, NULL};
    bool is_good = fleet_node_operate(&fleet->nodes[FLEET_ORIGIN], invite, TEXT_NONE, token,
                                      sizeof token, why) &&
                   file_write_atomic(AT_FDCWD, fleet->token_path, text_of(token), 0600) == 0;
    if (!is_good && why->size == 0)
        buffer_printf(why, "%s cannot be written", fleet->token_path);
    return is_good;
}

static bool write_settings(struct fleet_node *edge, bool has_peers, struct buffer *why)
{
    buffer_printf(&edge->settings_text,
                  "listen = { \"127.0.0.1:%u\" }\nallow_root = yes\ndrain_seconds = 1\n",
                  edge->port);
    if (has_peers)
        buffer_printf(&edge->settings_text, "node_urls = { \"http://127.0.0.1:%u\" }\n",
                      edge->port);
    bool is_good = fleet_node_write_settings(edge, buffer_view(&edge->settings_text));
    if (!is_good)
        buffer_printf(why, "%s cannot be written", edge->settings);
    return is_good;
}

/* The token is for the first start alone: afterwards the folder is enough. */
static void set_arguments(const struct fleet *fleet, struct fleet_node *edge, bool has_token)
{
    const struct scenario_list *flags = &fleet->config.scenario->topology.edge_settings;
    const char **arguments = edge->arguments;
    size_t count = 0;
    arguments[count++] = fleet->config.program;
    arguments[count++] = "edge";
    arguments[count++] = fleet->origin_url;
    arguments[count++] = "--data";
    arguments[count++] = edge->state;
    if (!fleet->config.scenario->topology.supervisor)
        arguments[count++] = "--no-supervisor";
    for (size_t i = 0; i < flags->count; i++)
        arguments[count++] = flags->items[i];
    if (has_token) {
        arguments[count++] = "--token-file";
        arguments[count++] = fleet->token_path;
    }
    arguments[count] = NULL;
}

static int64_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* An edge without replicas has no link to tell of, and is never level. */
static bool is_level(struct text json, unsigned accounts)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    const char *link = json_string_value(json_object_get(root, "link"));
    const json_t *forward = json_object_get(root, "forward");
    bool is_level = link && strcmp(link, "linked") == 0 && number_of(root, "waiting") == 0 &&
                    json_object_get(root, "age") && number_of(root, "accounts") >= accounts &&
                    number_of(forward, "waiting") <= 0;
    json_decref(root);
    return is_level;
}

bool fleet_join_is_level(const struct fleet_node *edge, unsigned accounts)
{
    struct buffer answer;
    buffer_init(&answer, STATUS_BYTES);
    fleet_node_ask(edge, "/status", &answer);
    struct text whole = buffer_view(&answer), end = TEXT("\r\n\r\n");
    size_t at = text_find(whole, end);
    bool is_good =
        is_level(text_from(whole, at == SIZE_MAX ? whole.size : at + end.size), accounts);
    buffer_release(&answer);
    return is_good;
}

static bool wait_until_level(const struct fleet *fleet, const struct fleet_node *edge,
                             struct buffer *why)
{
    static const struct timespec moment = {.tv_nsec = 50000000};
    unsigned accounts = (unsigned)fleet->config.scenario->topology.accounts;
    uint64_t end_us = clock_monotonic_us() + LEVEL_MS * UINT64_C(1000);
    while (clock_monotonic_us() < end_us) {
        if (fleet_join_is_level(edge, accounts))
            return true;
        (void)nanosleep(&moment, NULL);
    }
    buffer_printf(why, "%s joined, but does not hold what the origin has after %d s", edge->name,
                  LEVEL_MS / 1000);
    return false;
}

static bool join(struct fleet *fleet, struct fleet_node *edge, struct buffer *why)
{
    set_arguments(fleet, edge, true);
    bool has_peers = fleet->config.scenario->topology.peers;
    bool is_good = write_settings(edge, has_peers, why) && write_token(fleet, edge->name, why);
    int error = is_good ? fleet_node_start(edge) : 0;
    if (error < 0)
        buffer_printf(why, "%s does not start", fleet->config.program);
    is_good = is_good && error == 0 && fleet_node_wait(edge, why);
    set_arguments(fleet, edge, false);
    (void)unlink(fleet->token_path);
    return is_good && wait_until_level(fleet, edge, why);
}

bool fleet_join_edges(struct fleet *fleet, struct buffer *why)
{
    bool is_good = true;
    const char *folder = fleet->config.folder;
    if (snprintf(fleet->token_path, PATH_MAX, "%s/token", folder) >= PATH_MAX)
        return false;
    (void)snprintf(fleet->origin_url, sizeof fleet->origin_url, "http://127.0.0.1:%u",
                   fleet->nodes[FLEET_ORIGIN].port);
    for (size_t i = 1; is_good && i < fleet->node_count; i++)
        is_good = join(fleet, &fleet->nodes[i], why);
    return is_good;
}
