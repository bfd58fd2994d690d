// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/control_client.h"

#include "io/file.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int control_address(const char *state_folder, struct sockaddr_un *ret)
{
    int folder = file_open_dir(AT_FDCWD, state_folder);
    if (folder < 0)
        return folder;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/control.sock", folder);
    return folder;
}

int control_client_connect(const char *state_folder)
{
    struct sockaddr_un address;
    int folder = control_address(state_folder, &address);
    if (folder < 0)
        return folder;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error = fd < 0 ? errno : 0;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        error = errno == ECONNREFUSED
                    ? ENOENT
                    : errno; /* a file that nobody listens to was left by a crash */
    (void)close(folder);
    if (error == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -error;
}

/* Takes what waits up to the first newline and no further: behind it lies the next answer. */
static ssize_t take_line_part(int fd, char *room, size_t capacity)
{
    ssize_t waiting = recv(fd, room, capacity, MSG_PEEK);
    if (waiting <= 0)
        return waiting;
    const char *end = memchr(room, '\n', (size_t)waiting);
    return recv(fd, room, end ? (size_t)(end - room) + 1 : (size_t)waiting, 0);
}

/* A server that ends or gives way in this moment is an error to tell, no signal to die of. */
static int send_all(int fd, const char *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t took = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (took < 0 && errno != EINTR)
            return -errno;
        sent += took > 0 ? (size_t)took : 0;
    }
    return 0;
}

int control_client_ask(int fd, struct text line, struct buffer *answer)
{
    int error = send_all(fd, line.data, line.size);
    if (error == 0)
        error = send_all(fd, "\n", 1);
    while (error == 0) {
        char *room = buffer_reserve(answer, 4096);
        if (!room)
            return -EMSGSIZE;
        ssize_t got = take_line_part(fd, room, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EPIPE;
        answer->size += (size_t)got;
        if (answer->data[answer->size - 1] == '\n') {
            answer->size--;
            return 0;
        }
    }
    return error;
}
