// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <stdbool.h>
#include <sys/types.h>

/*
 * page_pipe: memory goes to a socket by reference: its pages into a pipe (vmsplice(2)), and from
 * there on (splice(2)).
 *
 * The kernel copies nothing, and its work is done by pages, so huge ones cost half of small ones
 * (docs/decisions/029).  The socket may read the pages until the peer has them, which nobody
 * learns: whose bytes change before, or are freed and used again, sends other bytes than it meant.
 * Memory is lent here by who promises that (exchange_run.is_lasting).
 *
 * One loop owns it.  It is empty between two calls: what a socket did not take is thrown away, and
 * lent again later.  The pipe is made when it is first used.
 */
struct page_pipe {
    int read_fd, write_fd, null_fd;
    bool is_open, has_failed;
};

enum { PAGE_PIPE_BYTES = 1 << 20 }; /* as much at once, where the kernel allows */

void page_pipe_close(struct page_pipe *pipe); /* zeros are a closed one */
/* False: there is none to be had (descriptors, limits): send by copying. */
bool page_pipe_works(struct page_pipe *pipe) MUST_USE;
/* As send(2) of a part of `bytes`: how many, or -EAGAIN, or another -errno. */
ssize_t page_pipe_send(struct page_pipe *pipe, int socket, struct text bytes) MUST_USE;
