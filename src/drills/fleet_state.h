// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/fleet.h"
#include "io/fault_point.h"
#include <limits.h>

/* fleet_state: what fleet.c and fleet_fault.c share. */
enum {
    FLEET_MAX_ACCOUNTS = 32,
    FLEET_TICK_MS = 100,
    FLEET_READY_MS = 60000,
    FLEET_END_MS = 20000,
};

struct fleet {
    struct fleet_config config;
    char state[PATH_MAX], library[PATH_MAX], settings[PATH_MAX], out[PATH_MAX], log[PATH_MAX],
        board_path[PATH_MAX], filler[PATH_MAX];
    struct buffer settings_text; /* the good sostenuto.conf */
    pid_t pid;                   /* that we started: the supervisor, or the server; 0: ended */
    bool has_supervisor;         /* a child of it serves */
    bool starts_again;           /* it is to be started again once it is gone */
    uint16_t port;
    struct fault_board *board;
    struct fleet_seen looks;
    struct fleet_process_seen last_seen; /* of last_pid */
    pid_t last_pid;
    struct fleet_account {
        char name[16], password[48], secret[128];
    } account_texts[FLEET_MAX_ACCOUNTS];
    struct load_account accounts[FLEET_MAX_ACCOUNTS];
    struct fleet_fault_seen {
        bool has_begun, has_bit, is_over;
        pid_t pid;          /* aimed at */
        uint64_t started;   /* of that process */
        uint64_t log_bytes; /* of the log when it began */
        unsigned ticks;
        pid_t helper; /* a command of ours that runs */
        char words[128];
    } seen[SCENARIO_MAX_FAULTS];
};

/* The process that serves: the supervisor's child, or what we started; 0 while there is none. */
pid_t fleet_server_pid(const struct fleet *fleet);
int fleet_start(struct fleet *fleet) MUST_USE; /* does not wait; 0 or -errno */
bool fleet_write_settings(struct fleet *fleet, struct text settings);
/* The log from there on contains it. */
bool fleet_said_since(const struct fleet *fleet, uint64_t begin, const char *words);
uint64_t fleet_log_size(const struct fleet *fleet);
