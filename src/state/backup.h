// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "state/state.h"

/*
 * backup: one file that holds a whole state folder: header, keys, SQLite image, BLAKE2b over all
 * of it. Taking one while the server runs is state_backup().
 */

/*
 * Offline, with no server on `folder`: verifies the file whole before anything is touched, puts
 * the database and keys in place, and raises the epoch above both. What was there is kept, whole,
 * as a state folder of its own in `folder`/`ret_aside` (before-restore, with the time behind it
 * when that is taken; "" when there was none). 0, or -errno with *ret_error filled and the folder
 * as it was.
 */
enum { STATE_ASIDE_BYTES = 64 };
int state_restore(const char *path, const char *folder, char ret_aside[STATE_ASIDE_BYTES],
                  struct state_error *ret_error) MUST_USE;
/* Reads and verifies only. */
int state_backup_verify(const char *path, struct state_error *ret_error) MUST_USE;
/*
 * Offline: the state folder goes on as it is, journal and all, in an epoch that is above its own
 * and at least `at_least`: for a node that takes another's place.
 */
int state_raise_epoch(const char *folder, uint64_t at_least, uint64_t *ret_epoch,
                      struct state_error *ret_error) MUST_USE;
