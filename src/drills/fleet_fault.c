// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Faults of nodes.  Each leaves evidence that it happened, which is looked for at every tick: a
 * drill whose fault nobody felt proves nothing.  One that aims at several nodes has happened when
 * each of them shows it.
 */
#include "drills/fleet_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MEND_TICKS = 20,     /* a broken configuration stays for two seconds */
    FILL_STEP = 1 << 20, /* first try of the filler, halved until nothing fits */
    FILL_LEAST = 4096,
};

static const struct scenario_fault *fault_at(const struct fleet *fleet, size_t at)
{
    return &fleet->config.scenario->faults[at];
}

bool fleet_fault_aims_at(const struct scenario_fault *fault, size_t node, size_t node_count)
{
    size_t edges = node_count - 1;
    switch (fault->node) {
    case FAULT_NODE_ORIGIN:
        return node == FLEET_ORIGIN;
    case FAULT_NODE_HALF_OF_EDGES:
        return node > FLEET_ORIGIN && node <= (edges + 1) / 2;
    case FAULT_NODE_EDGES:
        return node > FLEET_ORIGIN;
    case FAULT_NODE_ALL:
        return true;
    default:
        return node == 1 + (size_t)(fault->node - FAULT_NODE_EDGE_1);
    }
}

/* --- begins --- */

static void aim(struct fleet_node *node, struct fleet_aim *aim, int signal_number)
{
    struct fleet_process_seen process;
    aim->pid = fleet_node_server(node);
    if (aim->pid <= 0)
        return;
    fleet_process_look(aim->pid, &process);
    aim->started = process.started;
    if (signal_number && kill(aim->pid, signal_number) != 0)
        aim->pid = 0;
}

/* Nothing of the disk is left: the filler grows by less and less. */
static void fill_disk(const struct fleet_node *node)
{
    int fd = open(node->filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t size = 0;
    for (off_t step = FILL_STEP; fd >= 0 && step >= FILL_LEAST;) {
        if (posix_fallocate(fd, size, step) == 0)
            size += step;
        else
            step /= 2;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void break_settings(struct fleet_node *node)
{
    if (fleet_node_write_settings(node, TEXT("listen = { \"127.0.0.1:\nno such setting\n")) &&
        node->pid > 0)
        (void)kill(node->pid, SIGHUP);
}

static pid_t start_command(struct fleet_node *node, const char *name)
{
    const char *const arguments[] = {node->config->program, name, "--data", node->state, NULL};
    const struct fleet_command command = {
        .arguments = arguments, .out_path = node->log, .error_path = node->log};
    return fleet_process_start(&command);
}

static void end_all(struct fleet_node *node, int signal_number)
{
    if (node->pid > 0)
        (void)kill(node->pid, signal_number);
}

static void begin(struct fleet *fleet, struct fleet_node *node, struct fleet_aim *at,
                  const struct scenario_fault *fault)
{
    static const int signals[FAULT_KINDS] = {
        [FAULT_KILL] = SIGKILL, [FAULT_CRASH] = SIGSEGV, [FAULT_HANG] = SIGSTOP};
    at->log_bytes = fleet_node_log_size(node);
    aim(node, at, signals[fault->kind]);
    switch (fault->kind) {
    case FAULT_RESTART:
        node->starts_again = true;
        end_all(node, SIGTERM);
        break;
    case FAULT_POWER:
        end_all(node, SIGKILL);
        break;
    case FAULT_DESTROY:
        fleet_heir_begin(fleet, at);
        break;
    case FAULT_STEAL:
        fleet_thief_begin(node, at);
        break;
    case FAULT_UPGRADE:
        at->helper = start_command(node, "upgrade");
        break;
    case FAULT_BAD_RELOAD:
        break_settings(node);
        break;
    case FAULT_TIME_PASSES:
        atomic_fetch_add(&node->board->clock_shift_ms, fault->shift_s * 1000);
        break;
    case FAULT_CLOCK:
        atomic_store(&node->board->clock_shift_ms, fault->shift_s * 1000);
        break;
    case FAULT_DISK_FULL:
        if (node->config->space.has_mounts)
            fill_disk(node);
        break;
    case FAULT_DISK_SLOW:
        atomic_store(&node->board->disk_delay_ms, (uint32_t)fault->delay_ms);
        atomic_store(&node->board->read_delay_ms, (uint32_t)fault->read_ms);
        at->helper = start_command(node, "scan"); /* library.db is written too */
        break;
    case FAULT_LIE_PAGE:
        atomic_store(&node->board->lie, LIE_PAGE);
        break;
    case FAULT_LIE_NOISE:
        atomic_store(&node->board->lie, LIE_NOISE);
        break;
    case FAULT_LIE_EMPTY:
        atomic_store(&node->board->lie, LIE_EMPTY);
        break;
    case FAULT_LIE_FLIP:
        atomic_store(&node->board->lie, LIE_FLIP);
        break;
    case FAULT_POISON:
        atomic_store(&node->board->poisons, 1);
        break;
    case FAULT_ROT:
        at->turned = fleet_rot(node, fault->bytes);
        break;
    default:
        break;
    }
}

void fleet_fault_begin(struct fleet *fleet, size_t at)
{
    const struct scenario_fault *fault = fault_at(fleet, at);
    struct fleet_fault_seen *seen = &fleet->seen[at];
    seen->has_begun = true;
    if (fault_target(fault->kind) == FAULT_TARGET_LINE) {
        fault_proxy_begin(fleet->proxy, fault);
        return;
    }
    for (size_t i = 0; i < fleet->node_count; i++)
        if (fleet_fault_aims_at(fault, i, fleet->node_count))
            begin(fleet, &fleet->nodes[i], &seen->aims[i], fault);
}

/* --- ends --- */

static void end(struct fleet *fleet, struct fleet_node *node, struct fleet_aim *aim,
                enum fault_kind kind)
{
    switch (kind) {
    case FAULT_HANG:
        if (aim->pid > 0)
            (void)kill(aim->pid, SIGCONT);
        break;
    case FAULT_POWER:
        node->starts_again = true;
        break;
    case FAULT_DESTROY:
        fleet_heir_end(fleet, aim);
        break;
    case FAULT_CLOCK:
        atomic_store(&node->board->clock_shift_ms, 0);
        break;
    case FAULT_DISK_FULL:
        (void)unlink(node->filler);
        break;
    case FAULT_LIE_PAGE:
    case FAULT_LIE_NOISE:
    case FAULT_LIE_EMPTY:
    case FAULT_LIE_FLIP:
        atomic_store(&node->board->lie, LIE_NONE);
        break;
    case FAULT_POISON:
        atomic_store(&node->board->poisons, 0);
        break;
    case FAULT_DISK_SLOW:
        atomic_store(&node->board->disk_delay_ms, 0);
        atomic_store(&node->board->read_delay_ms, 0);
        break;
    default:
        break;
    }
}

static void drop_aim(struct fleet_aim *aim)
{
    fleet_thief_drop(aim);
    if (aim->helper > 0)
        (void)fleet_process_end(aim->helper, 1000);
    aim->helper = 0;
}

void fleet_fault_end(struct fleet *fleet, size_t at)
{
    const struct scenario_fault *fault = fault_at(fleet, at);
    struct fleet_fault_seen *seen = &fleet->seen[at];
    if (!seen->has_begun || seen->is_over)
        return;
    seen->is_over = true;
    if (fault_target(fault->kind) == FAULT_TARGET_LINE) {
        fault_proxy_end(fleet->proxy, fault);
        return;
    }
    for (size_t i = 0; i < fleet->node_count; i++)
        if (fleet_fault_aims_at(fault, i, fleet->node_count))
            end(fleet, &fleet->nodes[i], &seen->aims[i], fault->kind);
}

void fleet_fault_drop(struct fleet *fleet, size_t at)
{
    for (size_t i = 0; i < fleet->node_count; i++)
        drop_aim(&fleet->seen[at].aims[i]);
}

/* --- evidence --- */

static bool is_gone(const struct fleet_aim *aim)
{
    struct fleet_process_seen process;
    fleet_process_look(aim->pid, &process);
    return aim->pid > 0 &&
           (!process.state || process.state == 'Z' || process.started != aim->started);
}

static bool is_stopped(const struct fleet_aim *aim)
{
    struct fleet_process_seen process = {0};
    if (aim->pid > 0)
        fleet_process_look(aim->pid, &process);
    return process.state == 'T' && process.started == aim->started;
}

static bool is_full(const struct fleet_node *node)
{
    struct statvfs disk;
    return node->config->space.has_mounts && statvfs(node->state, &disk) == 0 && disk.f_bavail == 0;
}

static bool has_taken_over(const struct fleet_node *node, const struct fleet_aim *aim)
{
    pid_t pid = fleet_node_server(node);
    return aim->pid > 0 && pid > 0 && pid != aim->pid;
}

/* What that node shows of it just now; NULL: nothing. */
static const char *trace(const struct fleet_node *node, const struct fleet_aim *aim,
                         const struct scenario_fault *fault, bool is_over)
{
    const struct fault_board *board = node->board;
    switch (fault->kind) {
    case FAULT_KILL:
    case FAULT_CRASH:
    case FAULT_RESTART:
    case FAULT_POWER:
        return is_gone(aim) ? "the server process was gone" : NULL;
    case FAULT_DESTROY:
        return fleet_heir_trace(node, aim);
    case FAULT_STEAL:
        return fleet_thief_trace(aim);
    case FAULT_HANG:
        return is_stopped(aim) ? "the server process stood still" : NULL;
    case FAULT_UPGRADE:
        return has_taken_over(node, aim) ? "another process serves" : NULL;
    case FAULT_BAD_RELOAD:
        return fleet_node_said_since(node, aim->log_bytes, "reload refused")
                   ? "the log says: reload refused"
                   : NULL;
    case FAULT_CLOCK:
    case FAULT_TIME_PASSES:
        return atomic_load(&board->clock_obeyed) > 0 ? "the server read the wrong time" : NULL;
    case FAULT_DISK_SLOW:
        return atomic_load(&board->disk_obeyed) > 0 &&
                       (fault->read_ms == 0 || atomic_load(&board->read_obeyed) > 0)
                   ? "the server's writes waited, and its reads where they were to"
                   : NULL;
    case FAULT_LIE_PAGE:
    case FAULT_LIE_NOISE:
    case FAULT_LIE_EMPTY:
    case FAULT_LIE_FLIP:
        return atomic_load(&board->lies_told) > 0 ? "an edge was lied to" : NULL;
    case FAULT_ROT:
        return aim->turned > 0 ? "bits of what it holds were turned" : NULL;
    case FAULT_POISON:
        return atomic_load(&board->poisoned) > 0 ? "it gave another edge wrong bytes" : NULL;
    case FAULT_DISK_FULL:
        return !is_over && is_full(node) ? "not a byte was left" : NULL;
    default:
        return NULL;
    }
}

static void look(struct fleet *fleet, size_t at)
{
    const struct scenario_fault *fault = fault_at(fleet, at);
    struct fleet_fault_seen *seen = &fleet->seen[at];
    bool have_all = true;
    for (size_t i = 0; i < fleet->node_count; i++) {
        struct fleet_aim *aim = &seen->aims[i];
        if (!fleet_fault_aims_at(fault, i, fleet->node_count))
            continue;
        const char *words =
            aim->has_bit ? NULL : trace(&fleet->nodes[i], aim, fault, seen->is_over);
        if (words)
            (void)snprintf(seen->words, sizeof seen->words, "%s", words);
        aim->has_bit |= words != NULL;
        have_all &= aim->has_bit;
    }
    seen->has_bit = have_all;
}

static void mend_settings(struct fleet *fleet, size_t at)
{
    for (size_t i = 0; i < fleet->node_count; i++) {
        struct fleet_node *node = &fleet->nodes[i];
        if (fleet_fault_aims_at(fault_at(fleet, at), i, fleet->node_count) &&
            fleet_node_write_settings(node, buffer_view(&node->settings_text)) && node->pid > 0)
            (void)kill(node->pid, SIGHUP);
    }
}

static void take_step(struct fleet *fleet, struct fleet_node *node, struct fleet_aim *aim,
                      enum fault_kind kind)
{
    if (kind == FAULT_DESTROY)
        fleet_heir_tick(fleet, aim);
    else
        fleet_thief_tick(fleet, node, aim);
}

static void tick_fault(struct fleet *fleet, size_t at)
{
    struct fleet_fault_seen *seen = &fleet->seen[at];
    if (!seen->has_begun)
        return;
    seen->ticks++;
    if (!seen->has_bit)
        look(fleet, at);
    if (fault_at(fleet, at)->kind == FAULT_BAD_RELOAD && seen->ticks == MEND_TICKS)
        mend_settings(fleet, at);
    for (size_t i = 0; i < fleet->node_count; i++) {
        struct fleet_aim *aim = &seen->aims[i];
        if (aim->helper > 0 && fleet_process_reap(aim->helper))
            aim->helper = 0;
        if (aim->stage != HEIR_ALIVE)
            take_step(fleet, &fleet->nodes[i], aim, fault_at(fleet, at)->kind);
    }
}

static void tick_node(struct fleet_node *node)
{
    if (node->pid > 0 && fleet_process_reap(node->pid))
        node->pid = 0;
    if (node->pid == 0 && node->starts_again && fleet_node_start(node) == 0)
        node->starts_again = false;
}

void fleet_tick(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->config.scenario->fault_count; i++)
        if (fault_target(fault_at(fleet, i)->kind) == FAULT_TARGET_SERVER)
            tick_fault(fleet, i);
    for (size_t i = 0; i < fleet->node_count; i++)
        tick_node(&fleet->nodes[i]);
}

void fleet_revive(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->node_count; i++)
        fleet->nodes[i].starts_again = !fleet->nodes[i].is_apart;
}

bool fleet_fault_bit(const struct fleet *fleet, size_t at, const char **ret_words)
{
    const struct fleet_fault_seen *seen = &fleet->seen[at];
    *ret_words = seen->has_bit ? seen->words : "nothing showed that it happened";
    return seen->has_bit;
}
