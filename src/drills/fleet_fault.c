// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Faults of the server.  Each leaves evidence that it happened, which is looked for at every tick:
 * a drill whose fault nobody felt proves nothing.
 */
#include "drills/fleet_state.h"

#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static void aim(struct fleet *fleet, struct fleet_fault_seen *seen, int signal_number)
{
    struct fleet_process_seen process;
    seen->pid = fleet_server_pid(fleet);
    if (seen->pid <= 0)
        return;
    fleet_process_look(seen->pid, &process);
    seen->started = process.started;
    if (signal_number && kill(seen->pid, signal_number) != 0)
        seen->pid = 0;
}

/* Nothing of the disk is left: the filler grows by less and less. */
static void fill_disk(const struct fleet *fleet)
{
    int fd = open(fleet->filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
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

static void break_settings(struct fleet *fleet)
{
    (void)fleet_write_settings(fleet, TEXT("listen = { \"127.0.0.1:\nno such setting\n"));
    (void)kill(fleet->pid, SIGHUP);
}

static pid_t start_command(struct fleet *fleet, const char *name)
{
    const char *const arguments[] = {fleet->config.program, name, "--data", fleet->state, NULL};
    const struct fleet_command command = {
        .arguments = arguments, .out_path = fleet->log, .error_path = fleet->log};
    return fleet_process_start(&command);
}

static void end_all(struct fleet *fleet, int signal_number)
{
    if (fleet->pid > 0)
        (void)kill(fleet->pid, signal_number);
}

void fleet_fault_begin(struct fleet *fleet, size_t at)
{
    const struct scenario_fault *fault = fault_at(fleet, at);
    struct fleet_fault_seen *seen = &fleet->seen[at];
    static const int signals[FAULT_KINDS] = {
        [FAULT_KILL] = SIGKILL, [FAULT_CRASH] = SIGSEGV, [FAULT_HANG] = SIGSTOP};
    seen->has_begun = true;
    seen->log_bytes = fleet_log_size(fleet);
    aim(fleet, seen, signals[fault->kind]);
    switch (fault->kind) {
    case FAULT_RESTART:
        fleet->starts_again = true;
        end_all(fleet, SIGTERM);
        break;
    case FAULT_POWER:
        end_all(fleet, SIGKILL);
        break;
    case FAULT_UPGRADE:
        seen->helper = start_command(fleet, "upgrade");
        break;
    case FAULT_BAD_RELOAD:
        break_settings(fleet);
        break;
    case FAULT_CLOCK:
        atomic_store(&fleet->board->clock_shift_ms, fault->shift_s * 1000);
        break;
    case FAULT_DISK_FULL:
        if (fleet->config.space.has_mounts)
            fill_disk(fleet);
        break;
    case FAULT_DISK_SLOW:
        atomic_store(&fleet->board->disk_delay_ms, (uint32_t)fault->delay_ms);
        atomic_store(&fleet->board->read_delay_ms, (uint32_t)fault->read_ms);
        seen->helper = start_command(fleet, "scan"); /* library.db is written too */
        break;
    default:
        break;
    }
}

void fleet_fault_end(struct fleet *fleet, size_t at)
{
    struct fleet_fault_seen *seen = &fleet->seen[at];
    if (!seen->has_begun || seen->is_over)
        return;
    seen->is_over = true;
    switch (fault_at(fleet, at)->kind) {
    case FAULT_HANG:
        if (seen->pid > 0)
            (void)kill(seen->pid, SIGCONT);
        break;
    case FAULT_POWER:
        fleet->starts_again = true;
        break;
    case FAULT_CLOCK:
        atomic_store(&fleet->board->clock_shift_ms, 0);
        break;
    case FAULT_DISK_FULL:
        (void)unlink(fleet->filler);
        break;
    case FAULT_DISK_SLOW:
        atomic_store(&fleet->board->disk_delay_ms, 0);
        atomic_store(&fleet->board->read_delay_ms, 0);
        break;
    default:
        break;
    }
}

/* --- evidence --- */

static void bite(struct fleet_fault_seen *seen, const char *words)
{
    seen->has_bit = true;
    (void)snprintf(seen->words, sizeof seen->words, "%s", words);
}

static bool is_gone(const struct fleet_fault_seen *seen)
{
    struct fleet_process_seen process;
    fleet_process_look(seen->pid, &process);
    return seen->pid > 0 &&
           (!process.state || process.state == 'Z' || process.started != seen->started);
}

static bool is_stopped(const struct fleet_fault_seen *seen)
{
    struct fleet_process_seen process = {0};
    if (seen->pid > 0)
        fleet_process_look(seen->pid, &process);
    return process.state == 'T' && process.started == seen->started;
}

static bool is_full(const struct fleet *fleet)
{
    struct statvfs disk;
    return fleet->config.space.has_mounts && statvfs(fleet->state, &disk) == 0 &&
           disk.f_bavail == 0;
}

static bool has_taken_over(const struct fleet *fleet, const struct fleet_fault_seen *seen)
{
    pid_t pid = fleet_server_pid(fleet);
    return seen->pid > 0 && pid > 0 && pid != seen->pid;
}

static void look(struct fleet *fleet, size_t at)
{
    struct fleet_fault_seen *seen = &fleet->seen[at];
    switch (fault_at(fleet, at)->kind) {
    case FAULT_KILL:
    case FAULT_CRASH:
    case FAULT_RESTART:
    case FAULT_POWER:
        if (is_gone(seen))
            bite(seen, "the server process was gone");
        break;
    case FAULT_HANG:
        if (is_stopped(seen))
            bite(seen, "the server process stood still");
        break;
    case FAULT_UPGRADE:
        if (has_taken_over(fleet, seen))
            bite(seen, "another process serves");
        break;
    case FAULT_BAD_RELOAD:
        if (fleet_said_since(fleet, seen->log_bytes, "reload refused"))
            bite(seen, "the log says: reload refused");
        break;
    case FAULT_CLOCK:
        if (atomic_load(&fleet->board->clock_obeyed) > 0)
            bite(seen, "the server read the wrong time");
        break;
    case FAULT_DISK_SLOW:
        if (atomic_load(&fleet->board->disk_obeyed) > 0 &&
            (fault_at(fleet, at)->read_ms == 0 || atomic_load(&fleet->board->read_obeyed) > 0))
            bite(seen, "the server's writes waited, and its reads where they were to");
        break;
    case FAULT_DISK_FULL:
        if (!seen->is_over && is_full(fleet))
            bite(seen, "not a byte was left");
        break;
    default:
        break;
    }
}

static void mend_settings(struct fleet *fleet, struct fleet_fault_seen *seen)
{
    if (seen->ticks != MEND_TICKS)
        return;
    (void)fleet_write_settings(fleet, buffer_view(&fleet->settings_text));
    if (fleet->pid > 0)
        (void)kill(fleet->pid, SIGHUP);
}

static void tick_fault(struct fleet *fleet, size_t at)
{
    struct fleet_fault_seen *seen = &fleet->seen[at];
    if (!seen->has_begun)
        return;
    seen->ticks++;
    if (!seen->has_bit)
        look(fleet, at);
    if (fault_at(fleet, at)->kind == FAULT_BAD_RELOAD)
        mend_settings(fleet, seen);
    if (seen->helper > 0 && fleet_process_reap(seen->helper))
        seen->helper = 0;
}

void fleet_tick(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->config.scenario->fault_count; i++)
        if (fault_target(fault_at(fleet, i)->kind) == FAULT_TARGET_SERVER)
            tick_fault(fleet, i);
    if (fleet->pid > 0 && fleet_process_reap(fleet->pid))
        fleet->pid = 0;
    if (fleet->pid == 0 && fleet->starts_again && fleet_start(fleet) == 0)
        fleet->starts_again = false;
}

void fleet_revive(struct fleet *fleet) { fleet->starts_again = true; }

bool fleet_fault_bit(const struct fleet *fleet, size_t at, const char **ret_words)
{
    const struct fleet_fault_seen *seen = &fleet->seen[at];
    *ret_words = seen->has_bit ? seen->words : "nothing showed that it happened";
    return seen->has_bit;
}
