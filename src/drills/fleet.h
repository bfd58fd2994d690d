// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/asked.h"
#include "drills/fault_proxy.h"
#include "drills/fleet_process.h"
#include "drills/fleet_space.h"
#include "drills/load.h"
#include "drills/scenario.h"

/*
 * fleet: the real processes that a drill breaks, with folders of their own under one temporary
 * folder: one server, or an origin and the edges that joined it.
 *
 *   FOLDER/library                 made, or the scenario's
 *   FOLDER/origin, FOLDER/edge-1   state folders, small disks of their own if the scenario wants to
 *                                  fill one; sostenuto.conf is there, too
 *   FOLDER/origin.log …            standard error of every process that ran for that node
 *   FOLDER/origin.board …          orders to its fault points (io/fault_point.h)
 *   FOLDER/origin.access           what was asked of an origin
 *
 *   listeners ──proxy──▶ server                             without edges
 *   listeners ──▶ edge-1, edge-2 … ──proxy──▶ origin        with them; listeners know the origin,
 * too
 *
 * A node is a child that dies with us; it is known and ended by pid only.  Under a supervisor the
 * server process, which faults aim at, is the supervisor's child.  Edges join as people's do: by
 * `sostenuto invite` and its token; nothing of them is prepared.
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

/* Blocks for seconds: music, accounts, scan, start, join, until every node serves and the edges
 * hold what the origin has.  NULL with words. */
struct fleet *fleet_open(const struct fleet_config *config, struct buffer *why) MUST_USE;
/* Heals all faults, ends the nodes, gently; *ret_code is 0 or the worst code, or 128 + the signal.
 */
void fleet_stop(struct fleet *fleet, int *ret_code);
void fleet_close(struct fleet **fleet); /* also one that runs; accepts NULL inside */

/* --- where listeners go, on 127.0.0.1; 0 is the server or the origin, edges come behind --- */
size_t fleet_target_count(const struct fleet *fleet);
uint16_t fleet_target(const struct fleet *fleet, size_t at);
uint16_t fleet_port(const struct fleet *fleet); /* of the server or origin itself, past any proxy */
const struct load_account *fleet_accounts(const struct fleet *fleet, unsigned *ret_count);

/* --- faults; `at` is the fault's place in the scenario --- */

void fleet_fault_begin(struct fleet *fleet, size_t at);
void fleet_fault_end(struct fleet *fleet, size_t at);
/* Did it happen?  Words for a reader in any case: "the server process was gone". */
bool fleet_fault_bit(const struct fleet *fleet, size_t at, const char **ret_words);
/* What the proxy did; all zero without one. */
void fleet_line_figures(const struct fleet *fleet, struct fault_proxy_figures *ret);
/* Every 100 ms: reaps, starts what is to start again, looks whether faults bit. */
void fleet_tick(struct fleet *fleet);
void fleet_revive(struct fleet *fleet); /* starts what ended for good; the next tick does it */
/* Every node answers, and no edge has anything that the origin lacks, or the other way.  Asks them,
 * blocking for some milliseconds. */
bool fleet_is_level(const struct fleet *fleet);

/* --- looking --- */

/* What an origin was asked since the last time, each up to 200 ms late; zero without edges. */
struct asked fleet_take_asked(struct fleet *fleet);

/* Of the server processes, and of all that ran: the highest peak of one, and how long its home loop
 * was ready to run and had no processor. */
struct fleet_seen {
    uint64_t now_bytes, peak_bytes, starved_us;
};
void fleet_look(struct fleet *fleet, struct fleet_seen *ret);
bool fleet_has_said(const struct fleet *fleet, const char *words); /* in any log */
