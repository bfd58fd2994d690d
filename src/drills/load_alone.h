// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load.h"
#include <stdio.h>

/*
 * load_alone: a load without a scenario, against a server that runs already: bench/listeners is its
 * command.  Runs on a loop of its own for `seconds`, prints a line now and then and a table
 * at the end, reads back what was acknowledged.
 */
enum load_alone_outcome {
    LOAD_ALONE_GOOD,    /* no play failed, nobody heard a gap, no write lost */
    LOAD_ALONE_BAD,     /* something of that */
    LOAD_ALONE_NOTHING, /* no play was started, or the load itself was too slow: proves nothing */
    LOAD_ALONE_REFUSED, /* the profile cannot be run, or the server did not let us in; `out` says
                           why */
};
/* Blocks.  SIGINT and SIGTERM end it early, with its table. */
enum load_alone_outcome load_alone(const struct load_profile *profile, unsigned seconds,
                                   FILE *out) MUST_USE;
