// SPDX-License-Identifier: GPL-3.0-or-later
/* Anything on a hand-over channel is understood within its bytes, or passed over. */
#include "io/handover_message.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[HANDOVER_MAX_BYTES];
    struct handover_message message;
    int ends[2], fd = -1;
    if (size == 0 || size > 4096 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
        return 0;
    if (send(ends[0], data, size, 0) == (ssize_t)size &&
        handover_receive(ends[1], room, &message, &fd) == 1) /* without a descriptor */
        assert(message.kind != HANDOVER_CONNECTION && message.kind != HANDOVER_CHANNEL && fd < 0 &&
               message.bytes.size <= size);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
