// SPDX-License-Identifier: GPL-3.0-or-later
/* One node of a fleet: its places, its process, and what can be seen from outside. */
#include "drills/fleet_state.h"

#include "base/log.h"
#include "io/clock.h"
#include "io/file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_MS = 60000, LOG_MAX_BYTES = 8 << 20, TAIL_BYTES = 4000, ASK_MS = 500 };

/* --- places --- */

static bool place(char *out, const char *folder, const char *name, const char *ending)
{
    int size = snprintf(out, PATH_MAX, "%s/%s%s", folder, name, ending);
    return size > 0 && size < PATH_MAX;
}

bool fleet_node_place(struct fleet_node *node, const struct fleet_config *config, const char *name,
                      unsigned data_mib, struct buffer *why)
{
    const char *folder = config->folder;
    node->config = config;
    buffer_init(&node->settings_text, 2 * PATH_MAX);
    (void)snprintf(node->name, sizeof node->name, "%s", name);
    bool fits = place(node->state, folder, name, "") && place(node->out, folder, name, ".out") &&
                place(node->log, folder, name, ".log") &&
                place(node->board_path, folder, name, ".board") &&
                place(node->settings, node->state, "sostenuto.conf", "") &&
                place(node->filler, node->state, "filler", "");
    int error = fits ? file_make_dirs(AT_FDCWD, node->state, 0700) : -ENAMETOOLONG;
    if (error == 0 && data_mib > 0 && config->space.has_mounts)
        error = fleet_space_disk(node->state, data_mib);
    node->board = error == 0 ? fault_board_map(node->board_path, true) : NULL;
    if (error == 0 && !node->board)
        error = -errno;
    node->port = fleet_free_port();
    if (error == 0 && node->port == 0)
        error = -EADDRNOTAVAIL;
    if (error < 0)
        buffer_printf(why, "%s/%s: %.*s", folder, name, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

void fleet_node_release(struct fleet_node *node)
{
    buffer_release(&node->settings_text);
    fault_board_unmap(&node->board);
}

/* Free now; nobody else is in our network, and outside of one it is taken again at once. */
uint16_t fleet_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        address.sin_port = 0;
    (void)close(fd);
    return ntohs(address.sin_port);
}

bool fleet_node_write_settings(struct fleet_node *node, struct text settings)
{
    return file_write_atomic(AT_FDCWD, node->settings, settings, 0600) == 0;
}

/* --- its owner's commands --- */

bool fleet_node_operate(struct fleet_node *node, const char *const *words, struct text input,
                        char *ret_line, size_t capacity, struct buffer *why)
{
    const char *arguments[12] = {node->config->program};
    char out[PATH_MAX];
    size_t count = 1;
    while (*words)
        arguments[count++] = *words++;
    arguments[count++] = "--data";
    arguments[count] = node->state;
    if (!place(out, node->config->folder, "command.out", ""))
        return false;
    (void)unlink(out);
    const struct fleet_command command = {
        .arguments = arguments, .out_path = out, .error_path = node->log, .input = input};
    int code = fleet_process_run(&command, COMMAND_MS);
    struct buffer said;
    buffer_init(&said, 65536);
    int error = file_read(AT_FDCWD, out, &said);
    struct text rest = buffer_view(&said), line;
    if (ret_line && error == 0 && text_split(&rest, '\n', &line))
        (void)snprintf(ret_line, capacity, "%.*s", TEXT_ARGS(line));
    buffer_release(&said);
    if (code != 0)
        buffer_printf(why, "sostenuto %s %s ended with %d; %s tells more", arguments[1],
                      arguments[2], code, node->log);
    return code == 0;
}

/* --- its process --- */

int fleet_node_start(struct fleet_node *node)
{
    const char *off = node->config->guards_off;
    char guards[512], board[PATH_MAX + 32];
    (void)snprintf(board, sizeof board, "SOSTENUTO_FAULT_BOARD=%s", node->board_path);
    (void)snprintf(guards, sizeof guards, "SOSTENUTO_GUARDS_OFF=%s", off ? off : "");
    (void)unlink(node->out); /* what an earlier process said is not this one's */
    const struct fleet_command command = {.arguments = node->arguments,
                                          .environment = {board, off ? guards : NULL},
                                          .out_path = node->out,
                                          .error_path = node->log};
    pid_t pid = fleet_process_start(&command);
    node->pid = pid > 0 ? pid : 0;
    return pid > 0 ? 0 : pid;
}

pid_t fleet_node_server(const struct fleet_node *node)
{
    if (node->pid == 0)
        return 0;
    const char *program = node->config->program, *slash = strrchr(program, '/');
    pid_t child = fleet_process_child(node->pid, slash ? slash + 1 : program);
    return child || node->has_supervisor ? child : node->pid;
}

/* A socket that is connected to it, or -1. */
static int reach(const struct fleet_node *node)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(node->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const struct timeval patience = {.tv_usec = ASK_MS * 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* "listening on" stands in its output once it serves. */
static bool is_listening(const struct fleet_node *node)
{
    struct buffer said;
    buffer_init(&said, 65536);
    int error = file_read(AT_FDCWD, node->out, &said);
    bool is_said = error == 0 && text_contains(buffer_view(&said), TEXT("listening on http"));
    int fd = is_said ? reach(node) : -1;
    buffer_release(&said);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

bool fleet_node_wait(struct fleet_node *node, struct buffer *why)
{
    static const struct timespec moment = {.tv_nsec = 10000000};
    uint64_t end_us = clock_monotonic_us() + FLEET_READY_MS * UINT64_C(1000);
    while (clock_monotonic_us() < end_us && node->pid) {
        if (is_listening(node)) {
            node->has_supervisor = fleet_node_server(node) != node->pid;
            return true;
        }
        if (fleet_process_reap(node->pid))
            node->pid = 0;
        (void)nanosleep(&moment, NULL);
    }
    buffer_printf(why, "%s did not start; %s ends with:\n", node->name, node->log);
    (void)fleet_node_log_tail(node, why);
    return false;
}

int fleet_node_begin_ask(const struct fleet_node *node, const char *path)
{
    char question[512];
    int size = snprintf(question, sizeof question,
                        "GET %s HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n", path);
    int fd = reach(node);
    if (fd < 0 || send(fd, question, (size_t)size, MSG_NOSIGNAL) == size)
        return fd;
    (void)close(fd);
    return -1;
}

void fleet_node_ask(const struct fleet_node *node, const char *path, struct buffer *out)
{
    int fd = fleet_node_begin_ask(node, path);
    for (ssize_t got = fd >= 0; got > 0;) {
        char bytes[4096];
        got = recv(fd, bytes, sizeof bytes, 0);
        if (got > 0)
            buffer_append(out, bytes, (size_t)got);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* --- looking --- */

void fleet_node_look(struct fleet_node *node)
{
    struct fleet_process_seen seen = {0}, *last = &node->last_seen;
    pid_t pid = fleet_node_server(node);
    if (pid > 0)
        fleet_process_look(pid, &seen);
    if (seen.peak_bytes > node->looks.peak_bytes)
        node->looks.peak_bytes = seen.peak_bytes;
    if (seen.state) {
        bool is_same = pid == node->last_pid && seen.started == last->started;
        node->looks.starved_us += seen.starved_us - (is_same ? last->starved_us : 0);
        *last = seen;
        node->last_pid = pid;
    }
    node->looks.now_bytes = seen.resident_bytes;
}

uint64_t fleet_node_log_size(const struct fleet_node *node)
{
    struct stat status;
    return stat(node->log, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* The last bytes, at most `most`, from `begin` on. */
static bool read_log(const struct fleet_node *node, uint64_t begin, size_t most, struct buffer *out)
{
    uint64_t size = fleet_node_log_size(node);
    if (size > begin + most)
        begin = size - most;
    int fd = open(node->log, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 && size > begin ? buffer_reserve(out, (size_t)(size - begin)) : NULL;
    bool is_good = bytes && file_read_at(fd, bytes, (size_t)(size - begin), begin) == 0;
    if (is_good)
        out->size += (size_t)(size - begin);
    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

bool fleet_node_said_since(const struct fleet_node *node, uint64_t begin, const char *words)
{
    struct buffer said;
    buffer_init(&said, LOG_MAX_BYTES);
    bool has_said = read_log(node, begin, LOG_MAX_BYTES, &said) &&
                    text_contains(buffer_view(&said), text_of(words));
    buffer_release(&said);
    return has_said;
}

bool fleet_node_log_tail(const struct fleet_node *node, struct buffer *out)
{
    return read_log(node, 0, TAIL_BYTES, out);
}
