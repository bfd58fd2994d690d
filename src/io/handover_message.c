// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/handover_message.h"

#include "io/passed_fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int handover_send(int channel, const struct handover_message *message, int fd)
{
    char head[HANDOVER_HEAD_BYTES] = {HANDOVER_MAJOR, (char)message->kind, (char)message->stage};
    memcpy(head + 4, &message->port, 2);
    memcpy(head + 8, &message->request_count, 4);
    memcpy(head + 12, message->address.bytes, 16);
    struct iovec parts[2] = {
        {.iov_base = head, .iov_len = sizeof head},
        {.iov_base = (char *)(uintptr_t)message->bytes.data, .iov_len = message->bytes.size}};
    union passed_fd control;
    struct msghdr wire = {.msg_iov = parts, .msg_iovlen = message->bytes.size > 0 ? 2 : 1};
    passed_fd_attach(&wire, &control, fd);
    if (sizeof head + message->bytes.size > HANDOVER_MAX_BYTES)
        return -EMSGSIZE;
    ssize_t sent;
    do
        sent = sendmsg(channel, &wire, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    /* the kernel also bounds descriptors under way, and its memory */
    return errno == ETOOMANYREFS || errno == ENOBUFS ? -EAGAIN : -errno;
}

static bool parse(const char *head, size_t size, int fd, struct handover_message *ret)
{
    if (size < HANDOVER_HEAD_BYTES || head[0] != HANDOVER_MAJOR)
        return false;
    *ret = (struct handover_message){
        .kind = (enum handover_kind)(unsigned char)head[1],
        .stage = (enum handover_stage)(unsigned char)head[2],
        .bytes = text_make(head + HANDOVER_HEAD_BYTES, size - HANDOVER_HEAD_BYTES)};
    memcpy(&ret->port, head + 4, 2);
    memcpy(&ret->request_count, head + 8, 4);
    memcpy(ret->address.bytes, head + 12, 16);
    bool needs_fd = ret->kind == HANDOVER_CONNECTION || ret->kind == HANDOVER_CHANNEL;
    return (fd >= 0 || !needs_fd) && ret->stage <= HANDOVER_AT_HEADER;
}

int handover_receive(int channel, char *room, struct handover_message *ret, int *ret_fd)
{
    struct iovec part = {.iov_base = room, .iov_len = HANDOVER_MAX_BYTES};
    union passed_fd control = {.bytes = {0}};
    struct msghdr wire = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t got;
    passed_fd_expect(&wire, &control);
    do
        got = recvmsg(channel, &wire, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got == 0 || errno == ECONNRESET ? 0 : -errno;
    int fd = passed_fd_take(&wire);
    if (!(wire.msg_flags & MSG_TRUNC) && parse(room, (size_t)got, fd, ret)) {
        *ret_fd = fd;
        return 1;
    }
    if (fd >= 0)
        (void)close(fd);
    return -EPROTO;
}
