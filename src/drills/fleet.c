// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/fleet_state.h"

#include "base/log.h"
#include "base/mem.h"
#include "drills/fleet_library.h"
#include "io/random.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool make_library(struct fleet *fleet, struct buffer *why)
{
    const struct scenario_topology *topology = &fleet->config.scenario->topology;
    const struct fleet_library library = {.tracks = (unsigned)topology->tracks,
                                          .seconds = (unsigned)topology->track_s,
                                          .kbit = (unsigned)topology->track_kbit};
    if (topology->library) {
        (void)snprintf(fleet->library, sizeof fleet->library, "%s", topology->library);
        return true;
    }
    int size = snprintf(fleet->library, sizeof fleet->library, "%s/%ux%us%uk",
                        fleet->config.library_cache, library.tracks, library.seconds, library.kbit);
    int error = size > 0 && size < PATH_MAX ? 0 : -ENAMETOOLONG;
    if (error == 0 && access(fleet->library, F_OK) != 0)
        error = fleet_library_make(fleet->library, &library);
    if (error < 0)
        buffer_printf(why, "music in %s: %.*s", fleet->library, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

/* --- nodes --- */

static bool make_nodes(struct fleet *fleet, struct buffer *why)
{
    const struct scenario_topology *topology = &fleet->config.scenario->topology;
    bool is_good = true;
    for (size_t i = 0; is_good && i <= (size_t)topology->edges; i++) {
        char name[16] = "origin";
        if (i > 0)
            (void)snprintf(name, sizeof name, "edge-%u", (unsigned)(i % FLEET_MAX_NODES));
        is_good = fleet_node_place(&fleet->nodes[fleet->node_count++], &fleet->config, name,
                                   (unsigned)topology->data_mib, why);
    }
    return is_good;
}

/* Of a fleet: what its edges ask of the origin is read there. */
static bool settle_fleet(struct fleet *fleet, struct buffer *text, struct buffer *why)
{
    int size = snprintf(fleet->asked_path, sizeof fleet->asked_path, "%s/origin.access",
                        fleet->config.folder);
    if (size < 0 || size >= PATH_MAX) {
        buffer_printf(why, "the folder's path is too long: %s", fleet->config.folder);
        return false;
    }
    buffer_printf(text, "access_log = \"%s\"\n", fleet->asked_path);
    return fleet_join_settle(fleet, text, why);
}

static bool make_settings(struct fleet *fleet, struct buffer *why)
{
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    struct buffer *text = &origin->settings_text;
    buffer_printf(text,
                  "library = { \"%s\" }\nlisten = { \"127.0.0.1:%u\" }\nmdns = no\nwatch = no\n"
                  "scan_on_start = no\nallow_root = yes\ndrain_seconds = 1\n",
                  fleet->library, origin->port);
    if (fleet->config.scenario->topology.edges > 0 && !settle_fleet(fleet, text, why))
        return false;
    bool is_good = fleet_node_write_settings(origin, buffer_view(text));
    if (!is_good)
        buffer_printf(why, "%s cannot be written", origin->settings);
    return is_good;
}

static void set_arguments(struct fleet *fleet)
{
    const struct scenario *scenario = fleet->config.scenario;
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    size_t count = 0;
    origin->arguments[count++] = fleet->config.program;
    origin->arguments[count++] = "serve";
    origin->arguments[count++] = "--data";
    origin->arguments[count++] = origin->state;
    if (!scenario->topology.supervisor)
        origin->arguments[count++] = "--no-supervisor";
    for (size_t i = 0; i < scenario->topology.settings.count; i++)
        origin->arguments[count++] = scenario->topology.settings.items[i];
    origin->arguments[count] = NULL;
}

/* --- accounts --- */

static bool make_account(struct fleet *fleet, unsigned at, struct buffer *why)
{
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    struct fleet_account *texts = &fleet->account_texts[at];
    uint8_t noise[8];
    char line[sizeof texts->password + 1];
    random_fill(noise, sizeof noise);
    (void)snprintf(texts->name, sizeof texts->name, "drill%u", at + 1);
    (void)snprintf(texts->password, sizeof texts->password,
                   "pedal-%02x%02x%02x%02x-staves-%02x%02x%02x%02x", noise[0], noise[1], noise[2],
                   noise[3], noise[4], noise[5], noise[6], noise[7]);
    (void)snprintf(line, sizeof line, "%s\n", texts->password);
    fleet->accounts[at] = (struct load_account){texts->name, texts->password, texts->secret};
    const char *const user[] = {"user", "add", texts->name, "--password-file", "-", NULL};
    const char *const app[] = {"app", "add", texts->name, "drill", NULL};
    return fleet_node_operate(origin, user, text_of(line), NULL, 0, why) &&
           fleet_node_operate(origin, app, TEXT_NONE, texts->secret, sizeof texts->secret, why);
}

static bool make_accounts(struct fleet *fleet, struct buffer *why)
{
    bool is_good = true;
    for (unsigned i = 0; is_good && i < fleet->config.scenario->topology.accounts; i++)
        is_good = make_account(fleet, i, why);
    return is_good;
}

/* --- life --- */

static bool start_origin(struct fleet *fleet, struct buffer *why)
{
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    const char *const scan[] = {"scan", NULL};
    if (!fleet_node_operate(origin, scan, TEXT_NONE, NULL, 0, why))
        return false;
    set_arguments(fleet);
    int error = fleet_node_start(origin);
    if (error < 0)
        buffer_printf(why, "%s: %.*s", fleet->config.program, TEXT_ARGS(log_errno(error)));
    return error == 0 && fleet_node_wait(origin, why);
}

static bool start_proxy(struct fleet *fleet, struct buffer *why)
{
    const struct scenario *scenario = fleet->config.scenario;
    if (!scenario->topology.proxy || fleet->proxy)
        return true;
    fleet->proxy =
        fault_proxy_start(fleet->nodes[FLEET_ORIGIN].port, (uint64_t)scenario->about.seed);
    if (!fleet->proxy)
        buffer_printf(why, "the fault proxy does not start: %.*s", TEXT_ARGS(log_errno(-errno)));
    return fleet->proxy != NULL;
}

struct fleet *fleet_open(const struct fleet_config *config, struct buffer *why)
{
    struct fleet *fleet = MEM_NEW(struct fleet);
    fleet->config = *config;
    if (!make_nodes(fleet, why) || !make_library(fleet, why) || !make_settings(fleet, why) ||
        !make_accounts(fleet, why) || !start_origin(fleet, why) || !start_proxy(fleet, why) ||
        !fleet_join_edges(fleet, why))
        fleet_close(&fleet);
    return fleet;
}

static void stop_node(struct fleet_node *node, int *worst)
{
    int code = 0;
    node->starts_again = false;
    if (node->pid > 0)
        code = fleet_process_end(node->pid, FLEET_END_MS);
    node->pid = 0;
    if (code != 0)
        *worst = code;
}

void fleet_stop(struct fleet *fleet, int *ret_code)
{
    int worst = 0;
    for (size_t i = 0; i < fleet->config.scenario->fault_count; i++)
        fleet_fault_end(fleet, i);
    for (size_t i = 0; i < fleet->config.scenario->fault_count; i++)
        fleet_fault_drop(fleet, i);
    for (size_t i = fleet->node_count; i-- > 0;) /* edges first: none is left without its origin */
        stop_node(&fleet->nodes[i], &worst);
    *ret_code = worst;
}

void fleet_close(struct fleet **fleet_p)
{
    struct fleet *fleet = *fleet_p;
    int ignored;
    if (!fleet)
        return;
    fleet_stop(fleet, &ignored);
    fault_proxy_stop(&fleet->proxy);
    for (size_t i = 0; i < fleet->node_count; i++) {
        if (fleet->config.scenario->topology.data_mib > 0 && fleet->config.space.has_mounts)
            fleet_space_disk_remove(fleet->nodes[i].state);
        fleet_node_release(&fleet->nodes[i]);
    }
    mem_free_p(fleet_p);
}

/* --- where listeners go --- */

uint16_t fleet_port(const struct fleet *fleet) { return fleet->nodes[FLEET_ORIGIN].port; }

size_t fleet_target_count(const struct fleet *fleet) { return fleet->node_count; }

uint16_t fleet_target(const struct fleet *fleet, size_t at)
{
    bool is_behind_proxy = at == FLEET_ORIGIN && fleet->proxy && fleet->node_count == 1;
    return is_behind_proxy ? fault_proxy_port(fleet->proxy) : fleet->nodes[at].port;
}

const struct load_account *fleet_accounts(const struct fleet *fleet, unsigned *ret_count)
{
    *ret_count = (unsigned)fleet->config.scenario->topology.accounts;
    return fleet->accounts;
}

/* --- looking --- */

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

void fleet_look(struct fleet *fleet, struct fleet_seen *ret)
{
    uint64_t most_starved_us = 0; /* of one node, since the last look */
    fleet->looks.now_bytes = 0;
    for (size_t i = 0; i < fleet->node_count; i++) {
        struct fleet_node *node = &fleet->nodes[i];
        uint64_t before_us = node->looks.starved_us;
        fleet_node_look(node);
        fleet->looks.now_bytes = larger(fleet->looks.now_bytes, node->looks.now_bytes);
        fleet->looks.peak_bytes = larger(fleet->looks.peak_bytes, node->looks.peak_bytes);
        most_starved_us = larger(most_starved_us, node->looks.starved_us - before_us);
    }
    fleet->looks.starved_us += most_starved_us;
    *ret = fleet->looks;
}

struct asked fleet_take_asked(struct fleet *fleet)
{
    struct asked asked = {0};
    if (fleet->asked_path[0])
        asked_read(&asked, fleet->asked_path, &fleet->asked_offset);
    return asked;
}

void fleet_line_figures(const struct fleet *fleet, struct fault_proxy_figures *ret)
{
    *ret = (struct fault_proxy_figures){0};
    if (fleet->proxy)
        fault_proxy_figures(fleet->proxy, ret);
}

bool fleet_has_said(const struct fleet *fleet, const char *words)
{
    bool has_said = false;
    for (size_t i = 0; i < fleet->node_count; i++)
        has_said |= fleet_node_said_since(&fleet->nodes[i], 0, words);
    return has_said;
}

bool fleet_is_level(const struct fleet *fleet)
{
    unsigned accounts = (unsigned)fleet->config.scenario->topology.accounts;
    bool is_level = true;
    for (size_t i = 1; is_level && i < fleet->node_count; i++)
        is_level = fleet->nodes[i].is_apart || fleet_join_is_level(&fleet->nodes[i], accounts);
    return is_level;
}
