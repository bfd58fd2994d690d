// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * sandbox: what a worker gives up before it looks at the first file.
 *
 *   limits    address space, processor time, file size, descriptors, no core file setrlimit(2)
 *   identity  nobody's, when it was started as root; no new privileges; not traceable setresuid(2),
 * prctl(2) life      dies with its parent (roles that own no pipe) kernel    an allow list of
 * system calls per role; anything else kills the process    seccomp(2)
 *
 * After sandbox_enter() nothing can be opened, connected, executed, signalled or traced: only
 * descriptors that were handed in are read, and only the role's own are written.  So whatever a
 * library loads or opens (locales, modules, threads) it must do before.
 */
enum sandbox_role { SANDBOX_PROBE, SANDBOX_ARTWORK, SANDBOX_TRANSCODE, SANDBOX_PACKAGE };

/* Address space above what the process has now; 0 leaves it (sanitizers need terabytes).  Aborts
 * when refused. */
void sandbox_limit(enum sandbox_role role, uint64_t memory_bytes);
/* Lowers its own priorities: a scan runs behind everything, an encode once somebody hears it.
 * SANDBOX_PACKAGE may do so also inside. */
void sandbox_background(void);
void sandbox_enter(enum sandbox_role role, bool dies_with_parent);
