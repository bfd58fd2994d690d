// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/evidence.h"
#include "drills/fleet.h"
#include "drills/run.h"

/*
 * run_ear: the ear of a run (drills/ear/ear.h), a process of its own beside sostenuto, for it
 * decodes with libav, which no server links.
 *
 * It takes the fleet's last RUN_EAR_ACCOUNTS accounts for itself.  All functions accept NULL: there
 * is no ear, and nothing to wait for.
 */
struct run_ear;
enum { RUN_EAR_ACCOUNTS = 2 };

/* Never NULL; one that could not start has ended. */
struct run_ear *run_ear_start(const struct scenario *scenario, const struct run_config *config,
                              const struct fleet *fleet) MUST_USE;
void run_ear_tick(struct run_ear *ear);
bool run_ear_is_playing(const struct run_ear *ear);
bool run_ear_has_ended(const struct run_ear *ear);
const char *run_ear_why(const struct run_ear *ear); /* a word for a reader */
/* It is to hear no more, but to look whether what it wrote is there, and end. */
void run_ear_stop(struct run_ear *ear);
/* Ends it if need be, and reads its report. */
void run_ear_close(struct run_ear **ear, struct evidence_ear *ret);
