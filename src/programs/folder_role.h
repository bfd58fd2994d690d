// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * folder_role: whose state folder a folder is, so that no command takes an edge's for an origin's,
 * or the other way round, or makes one where a path was mistyped.  Looks; opens and changes
 * nothing.
 *
 *   FOLDER_NONE     there is no such folder
 *   FOLDER_FRESH    neither of the following: empty, or a cache's before another server
 *   FOLDER_ORIGIN   keys/root.pub: `serve` made it, or `promote`
 *   FOLDER_EDGE     keys/joined without it: `edge` joined an origin, or `demote`
 */
enum folder_role { FOLDER_NONE, FOLDER_FRESH, FOLDER_ORIGIN, FOLDER_EDGE };

enum folder_role folder_role(const char *data);

/* False with words in `why`, that say what to do instead, when it is the other one's. */
bool folder_may_be_origin(const char *data, struct buffer *why) MUST_USE;
bool folder_may_be_edge(const char *data, struct buffer *why) MUST_USE;
