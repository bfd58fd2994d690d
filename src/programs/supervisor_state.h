// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/backoff.h"
#include "programs/inherited.h"
#include "programs/logging.h"
#include "programs/notify.h"
#include "programs/settings.h"
#include <limits.h>
#include <signal.h>

/* supervisor_state: what the supervisor's files share.  Internal to supervisor*.c. */
enum supervised_stage {
    SUPERVISED_FREE,     /* an empty place */
    SUPERVISED_STARTING, /* not ready yet */
    SUPERVISED_READY,
};

struct supervised {
    enum supervised_stage stage;
    pid_t pid;
    int channel;
    uint64_t since_us;   /* started */
    uint64_t fed_at_us;  /* it last said that it lives */
    uint64_t kill_at_us; /* it was told to die and did not: then SIGKILL; 0: it was not told */
};

enum { SUPERVISOR_ARGV_MAX = 512 };

struct supervisor {
    struct settings settings;
    struct logging logging;
    char path[PATH_MAX]; /* of our executable when we started: a newer one may lie there by now */
    char *command_line;  /* ours, as the kernel has it; argv points into it */
    char *argv[SUPERVISOR_ARGV_MAX + 1];
    int signal_fd;
    sigset_t mask_before;
    struct inherited kept; /* sockets and secrets that outlive a server */
    struct supervised server;
    struct notify manager; /* systemd */
    struct backoff backoff;
    uint64_t now_us;
    uint64_t restart_at_us;   /* 0: no restart is due */
    uint64_t reloaded_at_us;  /* 0: never */
    uint64_t manager_feed_us; /* how often systemd wants to hear of us; 0: never */
    uint64_t manager_fed_at_us;
    unsigned starts; /* of servers */
    bool was_ready;  /* a server once was */
    bool is_stopping, has_ended;
    int code;
};

/* --- supervisor_spawn.c --- */
/* Which file we are and with which words we were started. */
bool supervisor_know_self(struct supervisor *supervisor, struct buffer *why) MUST_USE;
/* Starts `path` as a server with what is kept.  0 or -errno. */
int supervisor_spawn(struct supervisor *supervisor, const char *path,
                     struct supervised *ret_server) MUST_USE;
