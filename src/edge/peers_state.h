// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/fetch.h"
#include "edge/peers.h"

/* peers_state: how the list of peers is made.  Internal to edge/. */

/* With one reference; those past PEERS_MAX, and URLs that cannot be asked, are left out. */
struct peers *peers_new(const struct text *urls, size_t count, const char *ca_file,
                        const struct fetch_limits *limits) MUST_USE;
/* Whether the list is of just these. */
bool peers_are(const struct peers *peers, const struct text *urls, size_t count);
