// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/backoff.h"
#include "programs/inherited.h"
#include "programs/logging.h"
#include "programs/notify.h"
#include "programs/settings.h"
#include <limits.h>
#include <signal.h>

/*
 * supervisor_state: what the supervisor's files share.  Internal to supervisor*.c.
 *
 *   supervisor.c          signals, time, a server's life
 *   supervisor_upgrade.c  the next server and the old ones; the supervisor's own exec
 *   supervisor_hear.c     what servers say, and what is kept for them
 *   supervisor_spawn.c    a server's exec
 */
enum supervised_stage {
    SUPERVISED_FREE,     /* an empty place */
    SUPERVISED_STARTING, /* not ready yet */
    SUPERVISED_READY,    /* it serves */
    SUPERVISED_PREPARED, /* the next one: it waits for the state */
    SUPERVISED_OLD,      /* it gave way, and only ends its running answers */
};

struct supervised {
    enum supervised_stage stage;
    pid_t pid;
    int channel;         /* -1 when it hung up */
    uint64_t since_us;   /* started */
    uint64_t fed_at_us;  /* it last said that it lives */
    uint64_t kill_at_us; /* SIGKILL then; 0: never */
};

enum {
    SUPERVISOR_ARGV_MAX = 512,
    SUPERVISOR_SERVER = 0, /* its place in `servers` */
    SUPERVISOR_NEXT = 1,   /* of the one that an upgrade brings */
    SUPERVISOR_FIRST_OLD = 2,
    SUPERVISOR_SERVERS_MAX = SUPERVISOR_FIRST_OLD + 12,
    SUPERVISOR_KILL_AFTER_US = 500 * 1000,  /* of SIGABRT */
    SUPERVISOR_MARGIN_US = 30 * 1000 * 1000 /* beyond what a server was granted, for closing */
};

struct supervisor {
    struct settings settings;
    struct logging logging;
    char path[PATH_MAX]; /* of our executable when we started: a newer one may lie there by now */
    char *command_line;  /* ours, as the kernel has it; argv points into it */
    char *argv[SUPERVISOR_ARGV_MAX + 1];
    int signal_fd;
    sigset_t mask_of_servers;
    struct inherited kept; /* sockets and secrets that outlive a server */
    struct supervised servers[SUPERVISOR_SERVERS_MAX];
    int handover;          /* the old server's end, until it is told to give way; -1 */
    struct notify manager; /* systemd */
    struct backoff backoff;
    uint64_t now_us;
    uint64_t restart_at_us;   /* 0: no restart is due */
    uint64_t reloaded_at_us;  /* 0: never */
    uint64_t manager_feed_us; /* how often systemd wants to hear of us; 0: never */
    uint64_t manager_fed_at_us;
    uint64_t starts;    /* of servers, before us too */
    bool was_ready;     /* a server once was */
    bool is_reload_due; /* asked for while the server was starting */
    bool is_stopping, has_ended;
    int code;
};

/* --- supervisor.c --- */
void supervised_hang_up(struct supervised *server);
void supervised_forget(struct supervised *server);
/* The server's place is empty without its having been told to end. */
void supervisor_plan_restart(struct supervisor *supervisor);

/* --- supervisor_hear.c --- */
/* Reads what the server in place `i` says. */
void supervisor_hear(struct supervisor *supervisor, int i);

/* --- supervisor_upgrade.c --- */
void supervisor_upgrade(struct supervisor *supervisor);
/* The next server says something; true when it was meant for us alone. */
bool supervisor_next_said(struct supervisor *supervisor, const char *state);
/* The next server ended, however. */
void supervisor_next_gone(struct supervisor *supervisor);
/* The server ended while the next one is under way: true when that takes its place. */
bool supervisor_next_steps_in(struct supervisor *supervisor);
/* After the exec of ourselves: takes up the servers that were handed on.  False: we begin. */
bool supervisor_resume(struct supervisor *supervisor);

/* --- supervisor_spawn.c --- */
/* Which file we are and with which words we were started. */
bool supervisor_know_self(struct supervisor *supervisor, struct buffer *why) MUST_USE;
/* Starts `path` as a server with what is kept, and `handover` (-1: none; stays the caller's).  0 or
 * -errno. */
int supervisor_spawn(struct supervisor *supervisor, const char *path, int handover,
                     struct supervised *ret_server) MUST_USE;
/* Replaces ourselves by what lies at `path` now, in this very process, and hands all on.  Returns
 * only when that fails: -errno. */
int supervisor_replace(struct supervisor *supervisor);
