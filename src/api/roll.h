// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "trust/uid.h"

#include <stddef.h>

/*
 * roll: the first so many of any number of accounts, in the order of their ids, behind one that was
 * told last.  So a node is told of all in pieces, and nothing need be remembered between two of
 * them.  Pure; its memory is bounded by `most`, its work by the accounts that are offered.
 */
struct roll {
    struct uid after; /* exclusive */
    size_t most, count;
    bool has_more;   /* than were taken */
    struct uid *ids; /* `count` of them; sorted by roll_sort() */
};

void roll_init(struct roll *roll, struct uid after, size_t most); /* at least 1 */
void roll_release(struct roll *roll);
void roll_offer(struct roll *roll, struct uid account); /* each once, in any order */
void roll_sort(struct roll *roll);                      /* after the last one */
