// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include <sys/types.h>

/*
 * mdns: says in the local network that we are here (RFC 6762, 6763), by Debian's avahi-publish.
 *
 * `_http._tcp` (and `_https._tcp` under TLS) with the given name and port; players and browsers of
 * services list it, and the machine's own HOST.local leads to it.  avahi-publish is a child of
 * ours: it keeps the record alive, takes it back when it ends, and ends with us (PR_SET_PDEATHSIG).
 * Without avahi nothing happens but a line in the log.
 */
struct mdns {
    pid_t publisher; /* 0: none */
};

/* Before any thread starts. */
void mdns_start(struct mdns *mdns, const char *name, unsigned port, bool is_secure,
                const struct logger *logger);
void mdns_stop(struct mdns *mdns);
