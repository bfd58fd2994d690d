// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_logs.h"
#include "store/cache_volume.h"

/*
 * cache_chooser: what the disk knows of worth, in one hand; pure.  The order (cache_logs.h), who
 * left (cache_ghosts.h), which rule (cache_contest.h) and what may be copied.  bench/eviction
 * measures it.
 *
 * One thread's, but for chooser_hit().
 */
struct chooser {
    struct logs logs, before; /* before: the last change of rule */
    struct log_budget budget;
    struct ghosts *ghosts;
    struct contest *contest;
    bool is_full, is_fitted; /* fitted: it is known how many objects the disk takes */
};

/* Of regions with `limit_bytes` together: what it knows takes under 1 % of them, at most a MiB, and
 * 8 bytes for each of `max_objects`.  When the disk is full, what it remembers of who left is cut
 * to how many objects of the typical size it takes. */
struct chooser *chooser_new(uint64_t max_objects, uint64_t limit_bytes,
                            uint64_t region_bytes) MUST_USE;
void chooser_free(struct chooser **chooser);

/* An object comes in from outside: what is remembered of it.  True: each region is to be carried
 * over with chooser_carry(), before anything else. */
bool chooser_came(struct chooser *chooser, uint64_t hash, uint64_t size_bytes,
                  struct log_mark *ret) MUST_USE;
/* It was there and somebody asked; from any thread. */
void chooser_hit(struct chooser *chooser, uint64_t hash, uint64_t size_bytes);
/* Room is made now.  True as above: the first time, when it is known what is typical. */
bool chooser_full(struct chooser *chooser) MUST_USE;
void chooser_carry(const struct chooser *chooser, struct log_stand *stand);

/* At the end of a region that gives way: whether it goes on, then not hit any more. */
bool chooser_stays(struct chooser *chooser, struct log_mark *mark, uint64_t size_bytes) MUST_USE;
void chooser_left(struct chooser *chooser, uint64_t hash, const struct log_mark *mark,
                  uint64_t size_bytes);

/* --- a restart goes on with what heads of regions say --- */
/* In the head of a region of that log that begins with such an object. */
void chooser_describe(const struct chooser *chooser, unsigned log, const struct log_mark *mark,
                      uint64_t size_bytes, struct region_header *ret);
/* The newest of them; a head of an older kind is no news. */
void chooser_resume(struct chooser *chooser, const struct region_header *header);
