// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/folder_lock.h"

#include "base/log.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { TRIES = 75, TRY_AGAIN_US = 20 * 1000 };

int folder_lock(const char *data, struct buffer *why)
{
    pid_t holder = 0;
    int folder = file_open_dir(AT_FDCWD, data);
    if (folder < 0) {
        buffer_printf(why, "the state folder %s cannot be opened: %.*s", data,
                      TEXT_ARGS(log_errno(folder)));
        return folder;
    }
    int lock = file_lock(folder, "lock", &holder);
    for (int i = 0; i < TRIES && lock == -EWOULDBLOCK; i++) {
        (void)usleep(TRY_AGAIN_US);
        lock = file_lock(folder, "lock", &holder);
    }
    (void)close(folder);
    if (lock == -EWOULDBLOCK)
        buffer_printf(
            why,
            "the state folder %s is in use by process %d; stop it, or choose another with --data",
            data, (int)holder);
    else if (lock < 0)
        buffer_printf(why, "the state folder %s cannot be locked: %.*s", data,
                      TEXT_ARGS(log_errno(lock)));
    return lock;
}
