// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * folder_lock: one process at a time owns a state folder: an exclusive lock of STATE/lock, which
 * goes with the process.
 *
 * A server that was killed together with its supervisor lets go a little later, so it is waited
 * for, a second and a half at most.
 *
 * The descriptor, closed to let go; or -errno with words in `why`: -EWOULDBLOCK with the process
 * that has it.
 */
int folder_lock(const char *data, struct buffer *why) MUST_USE;
