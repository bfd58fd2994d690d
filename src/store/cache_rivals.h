// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_worth.h"

/*
 * cache_rivals: which rule would miss least; pure.
 *
 * Small caches without bytes, one for each rule, LRU the first, see the asks for a sample of all
 * hashes (Waldspurger et al., ATC 2017: a cache of a part of the size that sees that part of the
 * hashes misses as the whole one does).  The sample is halved whenever it becomes too large, so
 * memory and time are bounded whatever the cache holds: RIVAL_BYTES for each of its RIVAL_NODES.
 *
 * The winner misses least by object and by byte, as the product of both; a rule that misses more
 * than LRU does in either cannot win.  What was long ago counts ever less.
 */
enum { RIVALS = 10, RIVAL_BYTES = 120 };

struct rivals;

/* At most `nodes` objects in each. */
struct rivals *rivals_new(size_t nodes) MUST_USE;
void rivals_free(struct rivals **rivals);
bool rivals_sample(const struct rivals *rivals, uint64_t hash) MUST_USE;
/* One ask of a sampled hash, of a cache that holds so much. */
void rivals_ask(struct rivals *rivals, uint64_t hash, uint64_t size_bytes, uint64_t limit_bytes);
/* The rule to follow from here on; true when it is another than before. */
bool rivals_judge(struct rivals *rivals, struct worth_rule *ret) MUST_USE;
