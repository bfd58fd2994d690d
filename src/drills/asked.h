// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include <stdint.h>

/*
 * asked: what edges and listeners ask of an origin, read from its access log.
 *
 * What goes by the clock is no play's doing, and is told apart: each edge asks for the list of
 * launches every few seconds, whatever happens.  What the drill itself asks counts nowhere.  All
 * else counts, also what an edge that comes back asks to be level again.
 */
struct asked {
    uint64_t requests; /* that count */
    uint64_t timed;    /* by the clock */
    uint8_t edges;     /* bit 0: edge-1 asked something that counts, and so on */
};

/* Adds the whole lines of `log`; returns their bytes: what stands behind the last is read later. */
size_t asked_count(struct asked *asked, struct text log);
/* Adds what was written since *offset, which moves on.  A file that is not there has said nothing.
 */
void asked_read(struct asked *asked, const char *path, uint64_t *offset);
