// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "programs/settings.h"

/*
 * privileges: a server started as root becomes somebody else before it opens the state folder.
 *
 * It becomes `user` when that is set, else the owner of the state folder when that is not root,
 * else it stays root and says so once (containers and test machines know nobody else).  Not started
 * as root: nothing happens. Call after ports are bound and before any thread starts.  Commands that
 * open a state folder do the same, so that `sudo sostenuto user add` leaves no file that the server
 * cannot read.
 */

/* The state folder is made (0700, for that user) when it is not there.  0, or -errno with words in
 * `why`. */
int privileges_settle(const struct settings *settings, const struct logger *logger,
                      struct buffer *why) MUST_USE;
