// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "base/text.h"

/*
 * handover_message: what one process tells the next on a handover channel.  Internal to io/.
 *
 *    0  u8   major     another one is refused
 *    1  u8   kind      enum handover_kind; unknown ones are passed over
 *    2  u8   stage     enum handover_stage
 *    3  u8   0
 *    4  u16  port      of the client, 0 unknown
 *    6  u16  0
 *    8  u32  requests  answered so far on this connection
 *   12  16 bytes       the client's address (IPv4 mapped)
 *   28  bytes that were read from the socket and belong to the next request
 *
 * Numbers are in the machine's order: both ends run on it.
 */
enum handover_kind {
    HANDOVER_FREE = 1,
    HANDOVER_CONNECTION = 2,
    HANDOVER_CHANNEL = 3, /* on which a predecessor of the sender hands over */
};
enum handover_stage {
    HANDOVER_AT_PROXY,  /* the PROXY v2 header is awaited */
    HANDOVER_AT_SNIFF,  /* the first byte tells whether it is TLS */
    HANDOVER_AT_HEADER, /* the next request is awaited */
};

enum { HANDOVER_MAJOR = 1, HANDOVER_HEAD_BYTES = 28, HANDOVER_MAX_BYTES = 160 << 10 };

struct handover_message {
    enum handover_kind kind;
    enum handover_stage stage;
    uint16_t port;
    uint32_t request_count;
    struct address address;
    struct text bytes; /* borrowed */
};

/* 0 when it is sent, with a copy of `fd` when that is >= 0; -EAGAIN: no room now; else -errno. */
int handover_send(int channel, const struct handover_message *message, int fd) MUST_USE;
/* 1 with a message whose bytes lie in `room` (HANDOVER_MAX_BYTES) and its descriptor or -1;
 * 0 when the other side is gone; -EAGAIN; -EPROTO: not to be understood, passed over. */
int handover_receive(int channel, char *room, struct handover_message *ret, int *ret_fd) MUST_USE;
