// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/listener.h"
#include "state/sorted.h"

/*
 * ranking: one listener's subjects of one kind, best first, by one of the things that marks count.
 *
 * Written far more often than read (each play moves two subjects), so a change only remembers who
 * has moved; the next reader puts all of them in their places at once: a pass over the list, and a
 * sort of those that moved.
 */
enum { RANKINGS = 4, RANKED_KINDS = 3 };

/* Everything that one listener thinks of one subject. */
struct mark {
    struct subject subject;
    uint8_t rating, moved; /* moved: a bit for each ranking in which it waits for its place */
    int64_t starred_ms, last_ms;
    uint64_t plays;
};

struct rankings {
    struct ranking {
        struct sorted items;   /* of struct mark, borrowed */
        struct mark **waiting; /* those that moved */
        size_t waiting_count, waiting_capacity;
    } of[RANKINGS][RANKED_KINDS];
};

void rankings_init(struct rankings *rankings);
void rankings_release(struct rankings *rankings);
/* Says that `mark` was `before`. */
void rankings_move(struct rankings *rankings, const struct mark *before, struct mark *mark);
/* Loading: before rankings_settle(), in any order. */
void rankings_append(struct rankings *rankings, struct mark *mark);
void rankings_settle(struct rankings *rankings);
/* In order now; NULL for a kind that is not ranked. */
const struct sorted *rankings_read(struct rankings *rankings, enum listener_ranking ranking,
                                   const char *kind);
