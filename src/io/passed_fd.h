// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <sys/socket.h>

/*
 * passed_fd: one descriptor that goes along with a message on a UNIX socket (SCM_RIGHTS, unix(7)).
 */
union passed_fd {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* The message takes a copy of `fd` along; a negative one is none.  `room` lives as long. */
void passed_fd_attach(struct msghdr *message, union passed_fd *room, int fd);
/* Before recvmsg(): there is room for one. */
void passed_fd_expect(struct msghdr *message, union passed_fd *room);
/* After it: the descriptor, now ours, or -1.  Several at once are nobody's meaning: all are closed.
 */
int passed_fd_take(struct msghdr *message) MUST_USE;
