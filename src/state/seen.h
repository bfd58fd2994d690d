// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "trust/uid.h"

/*
 * seen: which operations were merged already: per device a set of ranges of seq (the first is the
 * watermark, what lies between are gaps), and digests of the last few, to tell a repetition from
 * the same id used for something else.
 *
 * A device that counts from 1 costs one range however many operations it sends; derived ids,
 * which do not count, cost one range each.  Bounded in devices and in ranges; full is an answer.
 */
struct seen;

enum seen_verdict {
    SEEN_NEW,
    SEEN_BEFORE,
    SEEN_CONFLICT, /* the id is known, with another digest */
    SEEN_FULL,     /* too many devices, or gaps of this device */
};
enum { SEEN_REMEMBERED = 64 }; /* digests per device */

struct seen *seen_new(size_t max_devices, size_t max_ranges_per_device) MUST_USE;
void seen_free(struct seen **seen);

enum seen_verdict seen_check(const struct seen *seen, struct uid device, uint64_t seq,
                             uint64_t digest);

/* How the stored ranges of that device change: [first, last] is put, the range that began at `gone`
 * is deleted. */
struct seen_change {
    uint64_t first, last, gone; /* gone 0: none */
};
/* As seen_check(); SEEN_NEW adds it and fills *ret_change. */
enum seen_verdict seen_add(struct seen *seen, struct uid device, uint64_t seq, uint64_t digest,
                           struct seen_change *ret_change);

/* From the database, in any order.  False when over a bound or overlapping. */
bool seen_load(struct seen *seen, struct uid device, uint64_t first, uint64_t last) MUST_USE;
void seen_load_digest(struct seen *seen, struct uid device, uint64_t seq, uint64_t digest);
/*
 * What another node saw: the union with [first, last].  *ret_changes[0 to count] are what changes
 * in the stored ranges, as from seen_add(); at most SEEN_JOINED of them, the union as the last, so
 * call again while it returns SEEN_JOINED.  0: nothing new, or no room for it.
 */
enum { SEEN_JOINED = 64 };
size_t seen_join(struct seen *seen, struct uid device, uint64_t first, uint64_t last,
                 struct seen_change ret_changes[SEEN_JOINED]);
/* The greatest seq seen of a device; 0 for none. */
uint64_t seen_last(const struct seen *seen, struct uid device);
size_t seen_range_count(const struct seen *seen, struct uid device);
