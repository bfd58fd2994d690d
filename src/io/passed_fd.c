// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/passed_fd.h"

#include <string.h>
#include <unistd.h>

void passed_fd_attach(struct msghdr *message, union passed_fd *room, int fd)
{
    if (fd < 0)
        return;
    memset(room, 0, sizeof *room);
    passed_fd_expect(message, room);
    room->header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(&room->header), &fd, sizeof fd);
}

void passed_fd_expect(struct msghdr *message, union passed_fd *room)
{
    message->msg_control = room->bytes;
    message->msg_controllen = sizeof room->bytes;
}

int passed_fd_take(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return -1;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof fd; /* padding has room for a second */
    for (size_t i = 0; i < count; i++) {
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        if (count > 1)
            (void)close(fd);
    }
    return count == 1 ? fd : -1;
}
