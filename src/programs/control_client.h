// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * control_client: one request to the server that owns a state folder.  Blocks.
 */

/*
 * The socket's address by way of the opened folder (/proc/self/fd/N/control.sock), because a path
 * may be longer than the 107 bytes of a socket address.  Returns the folder's descriptor, to be
 * closed after bind or connect, or -errno.
 */
struct sockaddr_un;
int control_address(const char *state_folder, struct sockaddr_un *ret) MUST_USE;

/* A connected socket; -ENOENT when no server runs there; else -errno. */
int control_client_connect(const char *state_folder) MUST_USE;
/* Sends `line` (without newline) and reads one line into `answer`.  0 or -errno; -EPIPE when the
 * server went away. */
int control_client_ask(int fd, struct text line, struct buffer *answer) MUST_USE;
