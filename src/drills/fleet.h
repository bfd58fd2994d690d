// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/fleet_process.h"
#include "drills/fleet_space.h"
#include "drills/load.h"
#include "drills/scenario.h"

/*
 * fleet: the real processes that a drill breaks, with folders of their own under one temporary
 * folder: library, state, log.  One server until there are edges.
 *
 *   FOLDER/library           made, or the scenario's
 *   FOLDER/state             its state folder, a small disk of its own if the scenario wants to
 * fill it; sostenuto.conf is there, too FOLDER/server.log        standard error of every server
 * that ran FOLDER/board             orders to fault points (io/fault_point.h)
 *
 * The server is a child that dies with us; it is known and ended by pid only.  Under a supervisor
 * the server process, which faults aim at, is the supervisor's child.
 */
struct fleet;

struct fleet_config {
    const char *program;       /* path of sostenuto */
    const char *folder;        /* exists, empty, ours */
    const char *library_cache; /* folder for made libraries, shared by scenarios of one run */
    const struct scenario *scenario;
    const char *guards_off; /* "name,name"; NULL: all stay on */
    struct fleet_space space;
};

/* Blocks for seconds: music, accounts, scan, start, until the server listens.  NULL with words. */
struct fleet *fleet_open(const struct fleet_config *config, struct buffer *why) MUST_USE;
/* Heals all faults, ends the server, gently; *ret_code is its exit code, or 128 + the signal. */
void fleet_stop(struct fleet *fleet, int *ret_code);
void fleet_close(struct fleet **fleet); /* also one that runs; accepts NULL inside */

uint16_t fleet_port(const struct fleet *fleet); /* on 127.0.0.1 */
const struct load_account *fleet_accounts(const struct fleet *fleet, unsigned *ret_count);

/* --- faults of the server; `at` is the fault's place in the scenario --- */

void fleet_fault_begin(struct fleet *fleet, size_t at);
void fleet_fault_end(struct fleet *fleet, size_t at);
/* Did it happen?  Words for a reader in any case: "pid 12 is gone". */
bool fleet_fault_bit(const struct fleet *fleet, size_t at, const char **ret_words);
/* Every 100 ms: reaps, starts what is to start again, looks whether faults bit. */
void fleet_tick(struct fleet *fleet);
void fleet_revive(struct fleet *fleet); /* starts what ended for good; the next tick does it */

/* --- looking --- */

/* Of the server process, and of all that ran: the highest peak, and how long their home loops were
 * ready to run and had no processor. */
struct fleet_seen {
    uint64_t now_bytes, peak_bytes, starved_us;
};
void fleet_look(struct fleet *fleet, struct fleet_seen *ret);
bool fleet_has_said(const struct fleet *fleet, const char *words);  /* in its log */
bool fleet_log_tail(const struct fleet *fleet, struct buffer *out); /* for a report */
