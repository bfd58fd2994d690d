// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/text.h"

/*
 * listening: the sockets a server listens on, and the addresses at which people reach them.
 */

/* What getsockname() says, as people write it: "127.0.0.1:4747", "[::1]:4747". */
struct listening_address {
    char text[64];
    char host[48]; /* without brackets */
    uint16_t port;
    bool is_any; /* 0.0.0.0 or :: */
    bool is_loopback;
};

/* Binds and listens; a checked ADDRESS setting.  A descriptor, or -errno with words in `why`. */
int listening_open(struct text address, struct listening_address *ret, struct buffer *why) MUST_USE;

/* Whether that would be possible now; without waiting. */
bool listening_is_free(struct text address) MUST_USE;

/*
 * The same for a socket that somebody else bound and listens on: true when it is one for TCP, with
 * its address in `ret`.
 */
bool listening_known(int fd, struct listening_address *ret) MUST_USE;
/* Whether a socket at `at` is what the checked ADDRESS setting asks for; port 0 asks for any. */
bool listening_suits(struct text address, const struct listening_address *at) MUST_USE;

/*
 * The address that other devices in the network would use: of the first interface that is up, not
 * loopback, with a private IPv4 address, else any IPv4, else a global IPv6.  False when there is
 * none.  `ret_host` has at least 48 bytes.
 */
bool listening_lan_host(char *ret_host, size_t capacity) MUST_USE;
