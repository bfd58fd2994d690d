// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"

/*
 * query: targets that mean the same become one key and one request upstream, where policy says what
 * means the same.  Pure.
 *
 * Parameters are what stands between '&', compared as they are written: nothing is decoded, for
 * what an origin makes of "%41" is its matter.  By default nothing is changed.
 */
struct query_rules {
    const char *const *drop; /* names of parameters that are left out; "utm_*" is a beginning */
    size_t drop_count;
    bool sorts; /* by name; those of one name keep their order */
};

enum { QUERY_PARAMETERS_MAX = 128 }; /* a target with more stays as it is */

/* The target, or a copy in the arena; as it is when there is no room. */
struct text query_normalise(const struct query_rules *rules, struct text target,
                            struct arena *arena);
