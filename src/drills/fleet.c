// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/fleet_state.h"

#include "base/log.h"
#include "base/mem.h"
#include "drills/fleet_library.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_MS = 60000, LOG_MAX_BYTES = 8 << 20, TAIL_BYTES = 4000, MAX_FLAGS = 16 };

/* --- places --- */

static bool place(char *out, const char *folder, const char *name)
{
    int size = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return size > 0 && size < PATH_MAX;
}

static bool make_places(struct fleet *fleet, struct buffer *why)
{
    const char *folder = fleet->config.folder;
    const struct scenario_topology *topology = &fleet->config.scenario->topology;
    bool fits = place(fleet->state, folder, "state") && place(fleet->out, folder, "server.out") &&
                place(fleet->log, folder, "server.log") &&
                place(fleet->board_path, folder, "board") &&
                place(fleet->settings, fleet->state, "sostenuto.conf") &&
                place(fleet->filler, fleet->state, "filler");
    int error = fits ? file_make_dirs(AT_FDCWD, fleet->state, 0700) : -ENAMETOOLONG;
    if (error == 0 && topology->data_mib > 0 && fleet->config.space.has_mounts)
        error = fleet_space_disk(fleet->state, (unsigned)topology->data_mib);
    fleet->board = error == 0 ? fault_board_map(fleet->board_path, true) : NULL;
    if (error == 0 && !fleet->board)
        error = -errno;
    if (error < 0)
        buffer_printf(why, "%s: %.*s", folder, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

static bool make_library(struct fleet *fleet, struct buffer *why)
{
    const struct scenario_topology *topology = &fleet->config.scenario->topology;
    const struct fleet_library library = {.tracks = (unsigned)topology->tracks,
                                          .seconds = (unsigned)topology->track_s,
                                          .kbit = (unsigned)topology->track_kbit};
    char name[64];
    if (topology->library) {
        (void)snprintf(fleet->library, sizeof fleet->library, "%s", topology->library);
        return true;
    }
    (void)snprintf(name, sizeof name, "%ux%us%uk", library.tracks, library.seconds, library.kbit);
    int error = place(fleet->library, fleet->config.library_cache, name) ? 0 : -ENAMETOOLONG;
    if (error == 0 && access(fleet->library, F_OK) != 0)
        error = fleet_library_make(fleet->library, &library);
    if (error < 0)
        buffer_printf(why, "music in %s: %.*s", fleet->library, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

/* Free now; nobody else is in our network, and outside of one it is taken again at once. */
static uint16_t free_port(void)
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

bool fleet_write_settings(struct fleet *fleet, struct text settings)
{
    return file_write_atomic(AT_FDCWD, fleet->settings, settings, 0600) == 0;
}

static bool make_settings(struct fleet *fleet, struct buffer *why)
{
    buffer_init(&fleet->settings_text, 2 * PATH_MAX);
    fleet->port = free_port();
    buffer_printf(&fleet->settings_text,
                  "library = { \"%s\" }\nlisten = { \"127.0.0.1:%u\" }\nmdns = no\nwatch = no\n"
                  "scan_on_start = no\nallow_root = yes\ndrain_seconds = 1\n",
                  fleet->library, fleet->port);
    bool is_good =
        fleet->port > 0 && fleet_write_settings(fleet, buffer_view(&fleet->settings_text));
    if (!is_good)
        buffer_printf(why, "%s cannot be written, or there is no free port", fleet->settings);
    return is_good;
}

/* --- the owner's commands --- */

/* `words`, then --data STATE.  Its first line of output goes to `ret_line`, which may be NULL. */
static bool operate(struct fleet *fleet, const char *const *words, struct text input,
                    char *ret_line, size_t capacity, struct buffer *why)
{
    const char *arguments[12] = {fleet->config.program};
    char out[PATH_MAX];
    size_t count = 1;
    while (*words)
        arguments[count++] = *words++;
    arguments[count++] = "--data";
    arguments[count] = fleet->state;
    if (!place(out, fleet->config.folder, "command.out"))
        return false;
    (void)unlink(out);
    const struct fleet_command command = {
        .arguments = arguments, .out_path = out, .error_path = fleet->log, .input = input};
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
                      arguments[2], code, fleet->log);
    return code == 0;
}

static bool make_account(struct fleet *fleet, unsigned at, struct buffer *why)
{
    struct fleet_account *texts = &fleet->account_texts[at];
    uint8_t noise[8];
    char line[sizeof texts->password + 1];
    random_fill(noise, sizeof noise);
    (void)snprintf(texts->name, sizeof texts->name, "drill%u", at + 1);
    (void)snprintf(texts->password, sizeof texts->password,
                   "pedal-%02x%02x%02x%02x-staves-%02x%02x%02x%02x", noise[0], noise[1], noise[2],
                   noise[3], noise[4], noise[5], noise[6], noise[7]);
    (void)snprintf(line, sizeof line, "%s\n", texts->password);
    fleet->accounts[at] = (struct load_account){texts->name, texts->password, texts->secret};
    const char *const user[] = {"user", "add", texts->name, "--password-file", "-", NULL};
    const char *const app[] = {"app", "add", texts->name, "drill", NULL};
    return operate(fleet, user, text_of(line), NULL, 0, why) &&
           operate(fleet, app, TEXT_NONE, texts->secret, sizeof texts->secret, why);
}

static bool make_accounts(struct fleet *fleet, struct buffer *why)
{
    bool is_good = true;
    for (unsigned i = 0; is_good && i < fleet->config.scenario->topology.accounts; i++)
        is_good = make_account(fleet, i, why);
    return is_good;
}

/* --- the server --- */

int fleet_start(struct fleet *fleet)
{
    const struct scenario *scenario = fleet->config.scenario;
    const char *arguments[MAX_FLAGS + 8] = {fleet->config.program, "serve", "--data", fleet->state};
    size_t count = 4;
    char guards[512], board[PATH_MAX + 32];
    if (!scenario->topology.supervisor)
        arguments[count++] = "--no-supervisor";
    for (size_t i = 0; i < scenario->topology.settings.count; i++)
        arguments[count++] = scenario->topology.settings.items[i];
    arguments[count] = NULL;
    (void)snprintf(board, sizeof board, "SOSTENUTO_FAULT_BOARD=%s", fleet->board_path);
    (void)snprintf(guards, sizeof guards, "SOSTENUTO_GUARDS_OFF=%s",
                   fleet->config.guards_off ? fleet->config.guards_off : "");
    const struct fleet_command command = {
        .arguments = arguments,
        .environment = {board, fleet->config.guards_off ? guards : NULL},
        .out_path = fleet->out,
        .error_path = fleet->log};
    pid_t pid = fleet_process_start(&command);
    fleet->pid = pid > 0 ? pid : 0;
    return pid > 0 ? 0 : pid;
}

pid_t fleet_server_pid(const struct fleet *fleet)
{
    if (fleet->pid == 0)
        return 0;
    const char *slash = strrchr(fleet->config.program, '/');
    pid_t child = fleet_process_child(fleet->pid, slash ? slash + 1 : fleet->config.program);
    return child || fleet->has_supervisor ? child : fleet->pid;
}

static bool has_connected(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_good = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

/* "listening on" stands in its output once it serves. */
static bool is_listening(const struct fleet *fleet)
{
    struct buffer said;
    buffer_init(&said, 65536);
    int error = file_read(AT_FDCWD, fleet->out, &said);
    bool is_said = error == 0 && text_contains(buffer_view(&said), TEXT("listening on http"));
    buffer_release(&said);
    return is_said && has_connected(fleet->port);
}

static bool wait_until_ready(struct fleet *fleet, struct buffer *why)
{
    static const struct timespec moment = {.tv_nsec = 10000000};
    uint64_t end_us = clock_monotonic_us() + FLEET_READY_MS * UINT64_C(1000);
    while (clock_monotonic_us() < end_us && fleet->pid) {
        if (is_listening(fleet)) {
            fleet->has_supervisor = fleet_server_pid(fleet) != fleet->pid;
            return true;
        }
        if (fleet_process_reap(fleet->pid))
            fleet->pid = 0;
        (void)nanosleep(&moment, NULL);
    }
    buffer_printf(why, "the server did not start; %s ends with:\n", fleet->log);
    (void)fleet_log_tail(fleet, why);
    return false;
}

struct fleet *fleet_open(const struct fleet_config *config, struct buffer *why)
{
    struct fleet *fleet = MEM_NEW(struct fleet);
    const char *const scan[] = {"scan", NULL};
    fleet->config = *config;
    buffer_init(&fleet->settings_text, 0);
    bool is_good = make_places(fleet, why) && make_library(fleet, why) &&
                   make_settings(fleet, why) && make_accounts(fleet, why) &&
                   operate(fleet, scan, TEXT_NONE, NULL, 0, why);
    int error = is_good ? fleet_start(fleet) : 0;
    if (error < 0)
        buffer_printf(why, "%s: %.*s", config->program, TEXT_ARGS(log_errno(error)));
    if (!is_good || error < 0 || !wait_until_ready(fleet, why))
        fleet_close(&fleet);
    return fleet;
}

void fleet_stop(struct fleet *fleet, int *ret_code)
{
    for (size_t i = 0; i < fleet->config.scenario->fault_count; i++) {
        fleet_fault_end(fleet, i);
        if (fleet->seen[i].helper > 0)
            (void)fleet_process_end(fleet->seen[i].helper, 1000);
        fleet->seen[i].helper = 0;
    }
    if (fleet->pid > 0)
        *ret_code = fleet_process_end(fleet->pid, FLEET_END_MS);
    fleet->pid = 0;
}

void fleet_close(struct fleet **fleet_p)
{
    struct fleet *fleet = *fleet_p;
    int ignored;
    if (!fleet)
        return;
    fleet_stop(fleet, &ignored);
    if (fleet->config.scenario->topology.data_mib > 0 && fleet->config.space.has_mounts)
        fleet_space_disk_remove(fleet->state);
    buffer_release(&fleet->settings_text);
    fault_board_unmap(&fleet->board);
    mem_free_p(fleet_p);
}

uint16_t fleet_port(const struct fleet *fleet) { return fleet->port; }

const struct load_account *fleet_accounts(const struct fleet *fleet, unsigned *ret_count)
{
    *ret_count = (unsigned)fleet->config.scenario->topology.accounts;
    return fleet->accounts;
}

/* --- looking --- */

void fleet_look(struct fleet *fleet, struct fleet_seen *ret)
{
    struct fleet_process_seen seen = {0}, *last = &fleet->last_seen;
    pid_t pid = fleet_server_pid(fleet);
    if (pid > 0)
        fleet_process_look(pid, &seen);
    if (seen.peak_bytes > fleet->looks.peak_bytes)
        fleet->looks.peak_bytes = seen.peak_bytes;
    if (seen.state) {
        bool is_same = pid == fleet->last_pid && seen.started == last->started;
        fleet->looks.starved_us += seen.starved_us - (is_same ? last->starved_us : 0);
        *last = seen;
        fleet->last_pid = pid;
    }
    fleet->looks.now_bytes = seen.resident_bytes;
    *ret = fleet->looks;
}

uint64_t fleet_log_size(const struct fleet *fleet)
{
    struct stat status;
    return stat(fleet->log, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* The last bytes, at most `most`, from `begin` on. */
static bool read_log(const struct fleet *fleet, uint64_t begin, size_t most, struct buffer *out)
{
    uint64_t size = fleet_log_size(fleet);
    if (size > begin + most)
        begin = size - most;
    int fd = open(fleet->log, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 && size > begin ? buffer_reserve(out, (size_t)(size - begin)) : NULL;
    bool is_good = bytes && file_read_at(fd, bytes, (size_t)(size - begin), begin) == 0;
    if (is_good)
        out->size += (size_t)(size - begin);
    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

bool fleet_said_since(const struct fleet *fleet, uint64_t begin, const char *words)
{
    struct buffer said;
    buffer_init(&said, LOG_MAX_BYTES);
    bool has_said = read_log(fleet, begin, LOG_MAX_BYTES, &said) &&
                    text_contains(buffer_view(&said), text_of(words));
    buffer_release(&said);
    return has_said;
}

bool fleet_has_said(const struct fleet *fleet, const char *words)
{
    return fleet_said_since(fleet, 0, words);
}

bool fleet_log_tail(const struct fleet *fleet, struct buffer *out)
{
    return read_log(fleet, 0, TAIL_BYTES, out);
}
