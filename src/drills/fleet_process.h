// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include <sys/types.h>

/*
 * fleet_process: processes that a drill starts, by pid only.
 *
 * Every child dies with the thread that started it (PR_SET_PDEATHSIG), so nothing outlives a drill
 * that is killed.  Settings and guards of the person's own environment are not handed on.
 */
enum { FLEET_PROCESS_MAX_ENVIRONMENT = 8 };

struct fleet_command {
    const char *const *arguments; /* NULL ends; [0] is the program's path */
    const char *environment[FLEET_PROCESS_MAX_ENVIRONMENT]; /* "NAME=value" in addition */
    const char *out_path, *error_path;                      /* appended to; NULL: /dev/null */
    struct text input;                                      /* for fleet_process_run() */
};

pid_t fleet_process_start(const struct fleet_command *command) MUST_USE; /* or -errno */
/* Starts, gives it the input, waits; the exit code, 128 + signal, or -errno (-ETIME after so long).
 */
int fleet_process_run(const struct fleet_command *command, unsigned timeout_ms) MUST_USE;
/* True when it ended, and was reaped. */
bool fleet_process_reap(pid_t pid);
/* SIGTERM, then SIGKILL after so long; reaps; the code as above. */
int fleet_process_end(pid_t pid, unsigned patience_ms);

struct fleet_process_seen {
    char state;       /* of proc(5): R S D T Z…; 0 when there is no such process */
    uint64_t started; /* ticks since boot: tells a pid that was given again */
    uint64_t resident_bytes, peak_bytes;
    uint64_t
        starved_us; /* its first thread, ready to run and without a processor, since it began */
};
void fleet_process_look(pid_t pid, struct fleet_process_seen *ret);
/* The youngest child of `parent` whose command name is `name`; 0 when there is none. */
pid_t fleet_process_child(pid_t parent, const char *name);
