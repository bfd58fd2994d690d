// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/evidence.h"
#include "drills/fleet_space.h"
#include <signal.h>
#include <stdio.h>

/*
 * run: one scenario from an empty folder to its evidence.
 *
 *   control   the same load against a null server, for a few seconds
 *   fleet     music, accounts, scan, server; the proxy before it
 *   PREPARING the listeners sign in
 *   RUNNING   faults begin and end at their seconds; figures are taken at every tick
 *   HEALING   all faults are over, listeners leave, the server answers again
 *   READING   every account is read back
 *   DONE
 *
 * Blocks; bounded in time: the scenario's seconds, a minute to come up and a minute to heal.
 */
struct run_config {
    const char *program;       /* path of sostenuto */
    const char *folder;        /* exists, empty, ours: one scenario's */
    const char *library_cache; /* exists; shared by all */
    const char *guards_off;    /* NULL: all stay on */
    struct fleet_space space;
    const volatile sig_atomic_t *is_cancelled; /* set by a signal: end soon; NULL: never */
    bool skips_control;
    const struct evidence_control *control; /* of the same load, made before; NULL: make one */
    FILE *story; /* gets a line for each event, as it happens; NULL: nobody reads along */
    FILE *plan;  /* gets a line for each decision of a listener and each fault; NULL: nobody asks */
};
void run_scenario(const struct scenario *scenario, const struct run_config *config,
                  struct evidence *ret);
