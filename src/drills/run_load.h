// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load.h"
#include "drills/scenario.h"

/* run_load: a scenario's load { } as the profile of virtual listeners who come to 127.0.0.1. */
struct run_load {
    struct load_profile profile;
    char targets[LOAD_MAX_TARGETS][32];
};
/* Where they go: the server, or the origin and its edges. */
struct run_targets {
    uint16_t ports[LOAD_MAX_TARGETS];
    size_t count;
};
void run_load_profile(struct run_load *load, const struct scenario *scenario,
                      const struct run_targets *targets, const struct load_account *accounts,
                      unsigned account_count);

/* The control run: that load for a few seconds against a null server, through a good proxy when the
 * scenario has one.  Blocks. */
struct evidence_control;
/* Whether one control run says the same for both. */
bool run_control_is_same(const struct scenario *a, const struct scenario *b);
void run_control(const struct scenario *scenario, struct evidence_control *ret);
