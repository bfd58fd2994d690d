// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/fault_proxy.h"
#include "drills/fleet.h"
#include "io/fault_point.h"
#include <limits.h>

/* fleet_state: what fleet.c, fleet_node.c, fleet_join.c and fleet_fault.c share. */
enum {
    FLEET_MAX_ACCOUNTS = 32,
    FLEET_MAX_NODES = 1 + SCENARIO_MAX_EDGES,
    FLEET_ORIGIN = 0, /* of the nodes: the edges come behind it */
    FLEET_READY_MS = 60000,
    FLEET_END_MS = 20000,
    FLEET_MAX_FLAGS = 16,
};

/* One node: a folder of its own, the process that we started for it, and what was seen of it. */
struct fleet_node {
    const struct fleet_config *config;
    char name[16]; /* "origin", "edge-1" */
    char state[PATH_MAX], settings[PATH_MAX], out[PATH_MAX], log[PATH_MAX], board_path[PATH_MAX],
        filler[PATH_MAX];
    struct buffer settings_text;                /* the good sostenuto.conf */
    const char *arguments[FLEET_MAX_FLAGS + 8]; /* of the process; borrowed texts */
    pid_t pid;           /* that we started: the supervisor, or the server; 0: ended */
    bool has_supervisor; /* a child of it serves */
    bool starts_again;   /* it is to be started again once it is gone */
    bool is_apart;       /* no node of the fleet any more: promoted, or stolen */
    uint16_t port;
    struct fault_board *board;
    struct fleet_seen looks;
    struct fleet_process_seen last_seen; /* of last_pid */
    pid_t last_pid;
};

struct fleet {
    struct fleet_config config;
    char library[PATH_MAX];
    struct fleet_node nodes[FLEET_MAX_NODES];
    size_t node_count;
    uint16_t node_port;        /* of the origin, for its edges; 0 without any */
    struct fleet_seen looks;   /* of all nodes */
    struct fault_proxy *proxy; /* between the edges and that; or before a server alone; or NULL */
    char origin_url[40], token_path[PATH_MAX];
    char asked_path[PATH_MAX]; /* the origin's access log; "" without edges */
    uint64_t asked_offset;     /* of it is read */
    struct fleet_account {
        char name[16], password[48], secret[128];
    } account_texts[FLEET_MAX_ACCOUNTS];
    struct load_account accounts[FLEET_MAX_ACCOUNTS];
    struct fleet_fault_seen {
        bool has_begun, has_bit, is_over;
        struct fleet_aim {
            pid_t pid;          /* aimed at; 0: not at this node */
            uint64_t started;   /* of that process */
            uint64_t log_bytes; /* of the node's log when it began */
            uint64_t turned;    /* bits of its cache */
            bool has_bit;
            pid_t helper; /* a command of ours that runs */
            enum {
                HEIR_ALIVE,
                HEIR_LOST,
                HEIR_EDGE_ENDS,
                HEIR_PROMOTING,
                HEIR_SERVING,
                THIEF_ENDING,
                THIEF_REVOKING,
                THIEF_STARTED,
                THIEF_ASKED,
                THIEF_WROTE
            } stage;
            char root_key[PATH_MAX];
            int question; /* of THIEF_ASKED: its socket */
        } aims[FLEET_MAX_NODES];
        unsigned ticks;
        char words[128];
    } seen[SCENARIO_MAX_FAULTS];
};

/* --- fleet_node.c: one node, whatever it is --- */

/* Folder, disk, board, port.  False with words. */
bool fleet_node_place(struct fleet_node *node, const struct fleet_config *config, const char *name,
                      unsigned data_mib, struct buffer *why) MUST_USE;
void fleet_node_release(struct fleet_node *node); /* ended before; a zeroed one, too */
bool fleet_node_write_settings(struct fleet_node *node, struct text settings) MUST_USE;
/* The process that serves: the supervisor's child, or what we started; 0 while there is none. */
pid_t fleet_node_server(const struct fleet_node *node);
int fleet_node_start(struct fleet_node *node) MUST_USE; /* does not wait; 0 or -errno */
bool fleet_node_wait(struct fleet_node *node, struct buffer *why) MUST_USE; /* until it listens */
/* `words`, then --data STATE.  Its first line of output goes to `ret_line`, which may be NULL. */
bool fleet_node_operate(struct fleet_node *node, const char *const *words, struct text input,
                        char *ret_line, size_t capacity, struct buffer *why) MUST_USE;
/* What it answers to GET, header and all; empty when it does not. */
void fleet_node_ask(const struct fleet_node *node, const char *path, struct buffer *out);
/* The same, and the answer is the caller's to read, and the socket to close; -1 when it is not
 * there.
 */
int fleet_node_begin_ask(const struct fleet_node *node, const char *path) MUST_USE;
void fleet_node_look(struct fleet_node *node);
uint64_t fleet_node_log_size(const struct fleet_node *node);
/* The log from there on contains it. */
bool fleet_node_said_since(const struct fleet_node *node, uint64_t begin, const char *words);
bool fleet_node_log_tail(const struct fleet_node *node, struct buffer *out);
uint16_t fleet_free_port(void); /* 0 when there is none */

/* --- fleet_join.c: edges --- */

/* What the origin's settings need before it starts, so that edges find it through the proxy. */
bool fleet_join_settle(struct fleet *fleet, struct buffer *settings, struct buffer *why) MUST_USE;
/* Invites and starts one after the other, and waits until each holds what the origin has. */
bool fleet_join_edges(struct fleet *fleet, struct buffer *why) MUST_USE;
/* Whether that edge is linked, and nothing waits in either direction. */
bool fleet_join_is_level(const struct fleet_node *edge, unsigned accounts);

/* --- fleet_fault.c --- */
bool fleet_fault_aims_at(const struct scenario_fault *fault, size_t node, size_t node_count);
void fleet_fault_drop(struct fleet *fleet, size_t at); /* ends commands of ours that still run */

/* --- fleet_rot.c --- */
/* Turns a bit in each so many bytes of what the node's cache holds on disk; returns how many. */
uint64_t fleet_rot(const struct fleet_node *node, int64_t every_bytes);

/* --- fleet_heir.c, fleet_thief.c: faults that take several steps, one at a tick --- */
void fleet_heir_begin(struct fleet *fleet, struct fleet_aim *aim);
void fleet_heir_end(struct fleet *fleet, struct fleet_aim *aim);
void fleet_heir_tick(struct fleet *fleet, struct fleet_aim *aim);
const char *fleet_heir_trace(const struct fleet_node *origin, const struct fleet_aim *aim);
void fleet_thief_begin(struct fleet_node *node, struct fleet_aim *aim);
void fleet_thief_tick(struct fleet *fleet, struct fleet_node *node, struct fleet_aim *aim);
void fleet_thief_drop(struct fleet_aim *aim); /* what it waits for */
const char *fleet_thief_trace(const struct fleet_aim *aim);
