// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * process: one sostenuto-media process: started with nothing but a socket, spoken to, ended,
 * reaped.
 *
 * It gets an empty environment, /dev/null as its standard files, default signals and its own
 * process group (so that a terminal's Ctrl-C ends the server, which then ends its workers in
 * order).  No threads' safety.
 */
struct process {
    pid_t pid; /* 0: none */
    int pidfd, socket;
};

struct process_plan {
    const char *path, *role;
    uint64_t memory_bytes;
    bool is_background;
};

/* 0 or -errno.  A missing executable is found here; what goes wrong later shows as the socket's
 * end. */
int process_start(struct process *process, const struct process_plan *plan) MUST_USE;
void process_kill(const struct process *process);
/* Waits for its end and forgets it.  Exit status as a shell shows it: 0-255, or 128 + signal. */
int process_reap(struct process *process);
void process_end(struct process *process);                      /* kills and reaps it */
uint64_t process_resident_bytes(const struct process *process); /* 0 when unknown */

/* One message with up to two descriptors (negative ones are left out); never waits.  0 or -errno.
 */
int process_send(const struct process *process, const void *bytes, size_t size,
                 const int fds[2]) MUST_USE;
/* One message; never waits.  Its size, 0 at the end, or -errno (-EAGAIN: none there, -EMSGSIZE: too
 * long). */
ssize_t process_receive(const struct process *process, void *into, size_t capacity) MUST_USE;
