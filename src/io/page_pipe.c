// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/page_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

void page_pipe_close(struct page_pipe *pipe)
{
    if (!pipe->is_open)
        return;
    close(pipe->read_fd);
    close(pipe->write_fd);
    close(pipe->null_fd);
    *pipe = (struct page_pipe){0};
}

static bool open_pipe(struct page_pipe *pipe)
{
    int ends[2];
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd < 0)
        return false;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        close(null_fd);
        return false;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PAGE_PIPE_BYTES); /* a smaller one takes more calls */
    *pipe = (struct page_pipe){ends[0], ends[1], null_fd, .is_open = true};
    return true;
}

bool page_pipe_works(struct page_pipe *pipe)
{
    if (LIKELY(pipe->is_open))
        return true;
    if (!pipe->has_failed)
        pipe->has_failed = !open_pipe(pipe); /* once is enough: each answer would try */
    return pipe->is_open;
}

/* What is left in the pipe is nobody's. */
static void throw_away(struct page_pipe *pipe, size_t size)
{
    while (size > 0) {
        ssize_t gone = splice(pipe->read_fd, NULL, pipe->null_fd, NULL, size, SPLICE_F_NONBLOCK);
        if (gone <= 0)
            break;
        size -= (size_t)gone;
    }
    if (size > 0)
        page_pipe_close(pipe);
}

ssize_t page_pipe_send(struct page_pipe *pipe, int socket, struct text bytes)
{
    size_t most = bytes.size < PAGE_PIPE_BYTES ? bytes.size : PAGE_PIPE_BYTES, sent = 0;
    struct iovec run = {(void *)(uintptr_t)bytes.data, most};
    ssize_t put = 0, lent = vmsplice(pipe->write_fd, &run, 1, SPLICE_F_NONBLOCK);
    if (lent < 0)
        return -errno;
    while (sent < (size_t)lent) {
        put = splice(pipe->read_fd, NULL, socket, NULL, (size_t)lent - sent, SPLICE_F_NONBLOCK);
        if (put <= 0)
            break;
        sent += (size_t)put;
    }
    int error = put < 0 ? errno : EPIPE;
    throw_away(pipe, (size_t)lent - sent);
    if (sent > 0)
        return (ssize_t)sent;
    return error == EINTR ? -EAGAIN : -error;
}
