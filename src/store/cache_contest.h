// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_logs.h"
#include <stddef.h>

/*
 * cache_contest: which rule the disk should follow; pure.
 *
 * As cache_rivals.h does for memory: small caches without bytes, one for each rule, LRU the first,
 * that see the asks for a sample of all hashes, and the one that misses least of late is followed.
 * They are copies of logs (cache_logs.h), each object a region of its own, and not of heaps: what
 * is right for an exact order need not be for logs.  They remember who left in the measure of the
 * disk.  Where the sample is all there is, as on a disk of few objects, the disk can be held
 * against the copy that it follows: a rule by which it misses more than its copy promised is
 * believed that much less, for a while.
 *
 * Hits come from any thread, and those of sampled hashes are kept in a ring until the owner's next
 * ask; they are lost when it is full.
 */
enum { CONTEST_RULES = 17, CONTEST_BYTES = 100 /* of memory, for each node of each rule */ };
struct contest;

/* At most `nodes` objects in each. */
struct contest *contest_new(size_t nodes) MUST_USE;
void contest_free(struct contest **contest);
/* The disk takes about so many objects: who left is remembered in proportion to it. */
void contest_fit(struct contest *contest, uint64_t objects);
/* Where it begins. */
struct log_rule contest_first(void);
/* The number of the rule that is followed; and a rule that an earlier process followed: false when
 * there is none of that number. */
unsigned contest_leader(const struct contest *contest) MUST_USE;
bool contest_lead(struct contest *contest, unsigned number, struct log_rule *ret) MUST_USE;
/* A hit, from any thread. */
void contest_note(struct contest *contest, uint64_t hash, uint64_t size_bytes);
/* The owner's: an ask for what was absent of a disk whose logs are `logs`, full by now.  True:
 * there is another rule to follow from here on. */
bool contest_ask(struct contest *contest, uint64_t hash, uint64_t size_bytes,
                 const struct logs *logs, struct log_rule *ret) MUST_USE;
