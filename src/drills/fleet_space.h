// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>

/*
 * fleet_space: a network and mounts of this process's own, so that a drill meets nobody else's
 * ports and leaves nothing behind: both vanish with the last process in them.
 *
 * As root by unshare(2); as anybody else within a user namespace, where the kernel allows one.
 * Called once, before the first thread.
 */
struct fleet_space {
    bool has_network; /* loopback of our own */
    bool has_mounts;  /* a disk of our own can be mounted */
};
struct fleet_space fleet_space_enter(void);

/* An empty disk in memory of `mib` at `path`, an existing folder; 0 or -errno. */
int fleet_space_disk(const char *path, unsigned mib) MUST_USE;
void fleet_space_disk_remove(const char *path); /* what is still open keeps it */
