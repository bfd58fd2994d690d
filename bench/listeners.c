// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load_alone.h"
#include "drills/null_server.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * listeners: virtual listeners from the command line, against a server of this machine or (without
 * --at) a null server of their own.
 *
 *     bench/listeners --listeners N [--at URL --user U (--password-file F | --secret S)]
 *                     [--seconds S] [--arrive MS] [--speed X] [--players PERCENT] [--skips PERCENT]
 *                     [--choose MS] [--seed N] [--slow-headers N] [--slow-readers N]
 *                     [--impatient PERCENT] [--ca F]
 *
 * Prints figures and what the process itself cost.  Ends with load_alone()'s outcome: 0 good, 1
 * bad, 2 proves nothing, 3 refused.
 */
struct wanted {
    struct load_profile profile;
    struct load_account account;
    char secret[256];
    unsigned seconds;
};

static bool read_password(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(out, (int)size, file);
    if (file)
        fclose(file);
    if (is_read)
        out[strcspn(out, "\r\n")] = '\0';
    return is_read;
}

static unsigned number(const char *text) { return (unsigned)strtoul(text, NULL, 10); }

static const struct option options[] = {
    {"listeners", required_argument, NULL, 'n'},
    {"at", required_argument, NULL, 'a'},
    {"user", required_argument, NULL, 'u'},
    {"password-file", required_argument, NULL, 'f'},
    {"secret", required_argument, NULL, 's'},
    {"seconds", required_argument, NULL, 't'},
    {"arrive", required_argument, NULL, 'r'},
    {"speed", required_argument, NULL, 'x'},
    {"players", required_argument, NULL, 'p'},
    {"skips", required_argument, NULL, 'k'},
    {"choose", required_argument, NULL, 'c'},
    {"seed", required_argument, NULL, 'd'},
    {"slow-headers", required_argument, NULL, 'H'},
    {"slow-readers", required_argument, NULL, 'R'},
    {"impatient", required_argument, NULL, 'i'},
    {"ca", required_argument, NULL, 'C'},
    {NULL, 0, NULL, 0},
};

static bool take_option(struct wanted *wanted, int option)
{
    struct load_profile *profile = &wanted->profile;
    switch (option) {
    case 'n':
        profile->listeners = number(optarg);
        return true;
    case 'a':
        profile->targets[0] = optarg;
        profile->target_count = 1;
        return true;
    case 'u':
        wanted->account.name = optarg;
        return true;
    case 'f':
        wanted->account.password = wanted->secret;
        return read_password(optarg, wanted->secret, sizeof wanted->secret);
    case 's':
        wanted->account.app_secret = optarg;
        return true;
    case 't':
        wanted->seconds = number(optarg);
        return true;
    case 'r':
        profile->arrive_ms = number(optarg);
        return true;
    case 'x':
        profile->speed = number(optarg);
        return true;
    case 'p':
        profile->player_percent = number(optarg);
        return true;
    case 'k':
        profile->habits.skips = number(optarg);
        return true;
    case 'c':
        profile->habits.choose_ms_min = profile->habits.choose_ms_max = number(optarg);
        return true;
    case 'd':
        profile->seed = number(optarg);
        return true;
    case 'H':
        profile->slow_headers = number(optarg);
        return true;
    case 'R':
        profile->slow_readers = number(optarg);
        return true;
    case 'i':
        profile->impatient_percent = number(optarg);
        return true;
    case 'C':
        profile->ca_file = optarg;
        return true;
    default:
        return false;
    }
}

static void show_cost(unsigned listeners)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    double system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    printf("  this process: %.2f s of CPU (%.2f in the kernel), %ld KiB at most, %u listeners\n",
           user + system, system, usage.ru_maxrss, listeners);
}

/* In a process of its own, which has as many files to open again.  Ends when `leash` is closed. */
static void be_null_server(int tell_fd, int leash_fd)
{
    struct null_server_config config = null_server_config_default();
    struct null_server *server = null_server_start(&config);
    uint16_t port = server ? null_server_port(server) : 0;
    char byte;
    if (write(tell_fd, &port, sizeof port) == sizeof port)
        while (read(leash_fd, &byte, 1) > 0)
            ;
    null_server_stop(&server);
    _exit(0);
}

/* Its port, or 0. */
static uint16_t fork_null_server(int *ret_leash_fd, pid_t *ret_pid)
{
    int told[2], leash[2];
    uint16_t port = 0;
    if (pipe2(told, O_CLOEXEC) < 0 || pipe2(leash, O_CLOEXEC) < 0)
        return 0;
    *ret_pid = fork();
    if (*ret_pid == 0) {
        close(leash[1]);
        be_null_server(told[1], leash[0]);
    }
    close(told[1]);
    close(leash[0]);
    if (*ret_pid < 0 || read(told[0], &port, sizeof port) != sizeof port)
        port = 0;
    close(told[0]);
    *ret_leash_fd = leash[1];
    return port;
}

int main(int argc, char **argv)
{
    struct wanted wanted = {.profile = load_profile_default(), .seconds = 10};
    char url[64];
    int option, leash_fd = -1;
    pid_t null_pid = -1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(&wanted, option)) {
            fprintf(stderr, "listeners: bad option; the top of bench/listeners.c lists them\n");
            return LOAD_ALONE_REFUSED;
        }
    }
    if (wanted.profile.target_count == 0) {
        uint16_t port = fork_null_server(&leash_fd, &null_pid);
        if (!port)
            return LOAD_ALONE_REFUSED;
        snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
        wanted.profile.targets[0] = url;
        wanted.profile.target_count = 1;
        wanted.account = (struct load_account){"null", "null", "null"};
    }
    wanted.profile.accounts = &wanted.account;
    wanted.profile.account_count = 1;
    enum load_alone_outcome outcome = load_alone(&wanted.profile, wanted.seconds, stdout);
    if (null_pid > 0) {
        close(leash_fd);
        waitpid(null_pid, NULL, 0);
    }
    show_cost(wanted.profile.listeners);
    return (int)outcome;
}
