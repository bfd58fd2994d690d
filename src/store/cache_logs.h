// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * cache_logs: in which order objects leave the disk; pure: no files, no clock, no locks.
 *
 * The disk's regions are logs, where order is place.  An object is worth what cache_worth.h says,
 * and goes to the end of one of LOGS logs, each for a step of what it is worth above the level: so
 * within a log all are worth about the same when they are appended, and as the level rises the
 * oldest region of a log is its least.  The region with the least of all gives way; what was asked
 * for meanwhile is appended anew by what it is worth then.  Nothing is ever moved within a log.
 *
 * Worth is in one measure whatever the rule: with a change of rule the level stays, what comes in
 * is scaled so that the typical object is worth 1 above it, and each region keeps the part that it
 * still has of what its objects were worth.  LRU counts in bytes that came in.
 *
 * What is remembered of an object fits 13 bits of its index entry: struct log_mark.
 */
enum { LOGS = 24, LOG_ASKED_MOST = 63, LOG_STAMPS = 64, LOG_STAMPS_A_TURN = 32 };

/* Worth is asked^asked / size^size, and `first` times that of who comes for the first time. */
struct log_rule {
    double asked, size, first; /* asked 0: LRU, whatever the size */
    bool is_once;              /* nothing is copied: who was asked for comes back by itself */
};

struct log_mark {
    uint8_t asked;    /* times, as a logarithm in quarters: 2^(asked / 4) */
    uint8_t asked_at; /* in parts of the limit that came in, modulo LOG_STAMPS */
    bool is_hit;      /* since it was appended */
};

/* What a region holds: means over its bytes, of asked and size as log2. */
struct log_stand {
    double value, asked, size;
    uint64_t bytes;
};

struct logs {
    struct log_rule rule;
    uint64_t limit_bytes, tick;         /* bytes that came in */
    double level, scale, offset;        /* scale: log2, added; offset: LRU's worth at tick 0 */
    double mean_asked, mean_size, seen; /* log2, of those that came in of late */
};

void logs_init(struct logs *logs, struct log_rule rule, uint64_t limit_bytes);
/* Something came in from outside. */
void logs_came(struct logs *logs, const struct log_mark *mark, uint64_t size_bytes);
/* Only for what is typical: such logarithms were seen. */
void logs_meet(struct logs *logs, double asked, double size);
/* What such an object is worth now: asked for just now, but for LRU, which knows when. */
double logs_value(const struct logs *logs, const struct log_mark *mark,
                  uint64_t size_bytes) MUST_USE;
/* The log for it, of LOGS; the first is worth least. */
unsigned logs_which(const struct logs *logs, double value) MUST_USE;
/* The least that such a log begins with above the level; for regions of which no more is known. */
double logs_reach(const struct logs *logs, unsigned log) MUST_USE;
/* A region of that worth gave way. */
void logs_left(struct logs *logs, double value);
/* Another rule; then every region is carried over by logs_carry(). */
void logs_follow(struct logs *logs, struct log_rule rule);
double logs_carry(const struct logs *before, const struct logs *now,
                  const struct log_stand *stand) MUST_USE;
void log_stand_add(struct log_stand *stand, double value, const struct log_mark *mark,
                   uint64_t size_bytes);

/* What a later process needs beside tick and level, and going on with it. */
double logs_scale(const struct logs *logs) MUST_USE;
void logs_resume(struct logs *logs, struct log_rule rule, uint64_t tick, double level,
                 double scale);

/* --- marks --- */
uint8_t logs_stamp(const struct logs *logs) MUST_USE;
/* Asked for once more at that stamp; `random` decides what an eighth cannot say. */
struct log_mark log_mark_hit(struct log_mark mark, uint8_t stamp, uint32_t random) MUST_USE;
/* The code of a number, of bytes too: its logarithm in quarters. */
uint8_t log_code(double number) MUST_USE;

/*
 * What may be copied, so that making room ends and a byte that comes in costs a bounded number of
 * bytes written: for each byte that leaves some more, and a few regions ahead.
 */
struct log_budget {
    uint64_t bytes, most_bytes;
};
void log_budget_init(struct log_budget *budget, uint64_t region_bytes);
bool log_budget_take(struct log_budget *budget, uint64_t bytes) MUST_USE;
void log_budget_left(struct log_budget *budget, uint64_t bytes);
