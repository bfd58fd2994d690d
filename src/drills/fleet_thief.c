// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * An edge is stolen: its owner's process ends and leaves nothing waiting, the origin revokes it,
 * and the thief starts it again with all that is in its folder, where no listener looks.  There the
 * thief writes as an account whose password it knows; what becomes of that the read-back counts
 * (`stolen_writes`).
 *
 *   ─begin─▶ ENDING ─its process is gone─▶ REVOKING ─the command has ended─▶ STARTED
 *                                                    STARTED ─▶ ASKED ─it took the write─▶ WROTE
 */
#include "drills/fleet_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16 << 10 };

void fleet_thief_begin(struct fleet_node *node, struct fleet_aim *aim)
{
    node->is_apart = true;
    node->starts_again = false;
    if (node->pid > 0)
        (void)kill(node->pid, SIGTERM);
    aim->stage = THIEF_ENDING;
}

static void revoke_edge(const struct fleet *fleet, const struct fleet_node *node,
                        struct fleet_aim *aim)
{
    const struct fleet_node *origin = &fleet->nodes[FLEET_ORIGIN];
    const char *const arguments[] = {fleet->config.program, "edges", "revoke", node->name, "--data",
                                     origin->state,         NULL};
    const struct fleet_command command = {
        .arguments = arguments, .out_path = origin->log, .error_path = origin->log};
    aim->helper = fleet_process_start(&command);
    aim->stage = THIEF_REVOKING;
}

static void start(struct fleet_node *node, struct fleet_aim *aim)
{
    node->port = fleet_free_port();
    buffer_printf(&node->settings_text, "listen = { \"127.0.0.1:%u\" }\n", node->port);
    if (fleet_node_write_settings(node, buffer_view(&node->settings_text)) &&
        fleet_node_start(node) == 0)
        aim->stage = THIEF_STARTED;
}

/* The listeners are on this thread: nothing is waited for. */
static void ask(const struct fleet *fleet, const struct fleet_node *node, struct fleet_aim *aim)
{
    char path[256];
    const struct fleet_account *account = &fleet->account_texts[0];
    (void)snprintf(path, sizeof path,
                   "/rest/createPlaylist?u=%s&p=%s&v=1.16.1&c=thief&f=json&name=%s", account->name,
                   account->password, LOAD_STOLEN_PLAYLIST);
    aim->question = fleet_node_begin_ask(node, path);
    if (aim->question >= 0)
        aim->stage = THIEF_ASKED;
}

static void take_answer(struct fleet_aim *aim)
{
    char answer[ANSWER_BYTES];
    ssize_t size = recv(aim->question, answer, sizeof answer, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN)
        return;
    bool is_good =
        size > 0 && text_contains(text_make(answer, (size_t)size), TEXT("\"status\":\"ok\""));
    fleet_thief_drop(aim);
    aim->stage = is_good ? THIEF_WROTE : THIEF_STARTED;
}

void fleet_thief_drop(struct fleet_aim *aim)
{
    if (aim->stage == THIEF_ASKED)
        (void)close(aim->question);
    aim->stage = aim->stage == THIEF_ASKED ? THIEF_STARTED : aim->stage;
}

/* The helper of this tick is reaped already. */
void fleet_thief_tick(struct fleet *fleet, struct fleet_node *node, struct fleet_aim *aim)
{
    if (aim->stage == THIEF_ENDING && node->pid == 0)
        revoke_edge(fleet, node, aim);
    else if (aim->stage == THIEF_REVOKING && aim->helper <= 0)
        start(node, aim);
    else if (aim->stage == THIEF_STARTED)
        ask(fleet, node, aim);
    else if (aim->stage == THIEF_ASKED)
        take_answer(aim);
}

const char *fleet_thief_trace(const struct fleet_aim *aim)
{
    return aim->stage == THIEF_WROTE ? "the stolen edge took the thief's write" : NULL;
}
