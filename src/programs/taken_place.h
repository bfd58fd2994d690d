// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

#include <stdint.h>

/*
 * taken_place: STATE/promoted says that this origin took the place of one that was lost, and in
 * which epoch: from then on the edges of that one are asked what they hold (api/rebuild.h).  After
 * a promotion, and after a restore of an origin that has edges: what they heard of after the backup
 * was made is at them alone.
 */

/* 0 or -errno.  `folder_fd` is STATE. */
int taken_place_write(int folder_fd, uint64_t epoch, int64_t now_ms) MUST_USE;
