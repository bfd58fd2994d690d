// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The origin's disk is destroyed, and edge-1 is promoted (docs/edge.md, "The origin is gone for
 * good"):
 *
 *   ALIVE ──begin──▶ LOST ──end──▶ EDGE_ENDS ──its process is gone──▶ PROMOTING ──▶ SERVING
 *
 * The heir is the node of the origin from then on, with edge-1's folder, and answers at both
 * addresses, as when the origin's name was moved to it.  Everything but the root key, which an
 * owner keeps elsewhere, is gone with the disk.
 */
#include "drills/fleet_state.h"

#include "io/file.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEIR = 1 };

void fleet_heir_begin(struct fleet *fleet, struct fleet_aim *aim)
{
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    char lost[PATH_MAX];
    if (origin->pid > 0)
        (void)kill(origin->pid, SIGKILL);
    int size = snprintf(lost, sizeof lost, "%s/lost", fleet->config.folder);
    bool is_lost = size < PATH_MAX && rename(origin->state, lost) == 0;
    (void)snprintf(aim->root_key, sizeof aim->root_key, "%s/lost/keys/root.key",
                   fleet->config.folder);
    aim->stage = is_lost ? HEIR_LOST : HEIR_ALIVE;
}

void fleet_heir_end(struct fleet *fleet, struct fleet_aim *aim)
{
    struct fleet_node *edge = &fleet->nodes[HEIR];
    if (aim->stage != HEIR_LOST)
        return;
    edge->is_apart = true;
    edge->starts_again = false;
    if (edge->pid > 0)
        (void)kill(edge->pid, SIGTERM);
    aim->stage = HEIR_EDGE_ENDS;
}

static void promote(struct fleet *fleet, struct fleet_aim *aim)
{
    struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    const struct fleet_node *edge = &fleet->nodes[HEIR];
    memcpy(origin->state, edge->state, sizeof origin->state);
    memcpy(origin->settings, edge->settings, sizeof origin->settings);
    buffer_printf(&origin->settings_text, "listen = { \"127.0.0.1:%u\", \"127.0.0.1:%u\" }\n",
                  origin->port, edge->port);
    const char *const arguments[] = {fleet->config.program, "promote",    "--data",
                                     origin->state,         "--root-key", aim->root_key,
                                     fleet->library,        NULL};
    const struct fleet_command command = {
        .arguments = arguments, .out_path = origin->log, .error_path = origin->log};
    bool is_written = fleet_node_write_settings(origin, buffer_view(&origin->settings_text));
    aim->helper = is_written ? fleet_process_start(&command) : 0;
    aim->stage = HEIR_PROMOTING;
}

/* The helper of this tick is reaped already. */
void fleet_heir_tick(struct fleet *fleet, struct fleet_aim *aim)
{
    if (aim->stage == HEIR_EDGE_ENDS && fleet->nodes[HEIR].pid == 0) {
        promote(fleet, aim);
    } else if (aim->stage == HEIR_PROMOTING && aim->helper <= 0) {
        fleet->nodes[FLEET_ORIGIN].starts_again = true;
        aim->stage = HEIR_SERVING;
    }
}

const char *fleet_heir_trace(const struct fleet_node *origin, const struct fleet_aim *aim)
{
    char promoted[PATH_MAX + 16];
    (void)snprintf(promoted, sizeof promoted, "%s/promoted", origin->state);
    bool is_promoted = aim->stage == HEIR_SERVING && access(promoted, F_OK) == 0;
    return is_promoted ? "the origin's folder was gone, and edge-1 was promoted" : NULL;
}
