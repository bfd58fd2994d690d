// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/evidence.h"

/*
 * score: from evidence to a verdict, and from verdicts to a total.  Pure.
 *
 *   not proven   nothing can be said: the machine was too slow, nobody listened, a fault did not
 *                bite, a limit had nothing to measure, a word was not said
 *   failed       somebody heard it, or an acknowledged write is gone
 *   degraded     nobody heard it, but somebody saw it
 *   survived     every limit held
 *
 * The machine is too slow when a null server cannot be heard without fault, when the load's own
 * clock runs late, or when a limit of time is broken while the server waits for a processor
 * (SCORE_STARVED_MS; a twin is not excused: it is its guard that is gone).
 *
 * The total is Litmus's: a scenario's weight times the share of its limits that held, over all
 * weights.  A lost write or an unproven scenario takes its whole class to 0: a score must not look
 * good because something was not looked at.
 */
enum verdict { VERDICT_SURVIVED, VERDICT_DEGRADED, VERDICT_FAILED, VERDICT_NOT_PROVEN };
enum limit_severity { LIMIT_HEARD, LIMIT_SEEN };
enum limit_kind { LIMIT_OF_FACT, LIMIT_OF_TIME };
enum { SCORE_STARVED_MS = 300 /* of a second, without a processor */ };

enum limit {
#define LIMIT(name, unit, severity, kind, help) LIMIT_AT_##name,
#include "drills/limits.def"
#undef LIMIT
    LIMITS
};

struct score {
    enum verdict verdict;
    char why[EVIDENCE_WORDS_BYTES]; /* the first reason; of a survivor its sentence is the
                                       scenario's */
    struct score_probe {
        bool is_given, is_proven, holds; /* proven: there was something to measure */
        int64_t limit, value;
    } probes[LIMITS];
    unsigned percent; /* of given limits that held; 0 when not proven */
};

const char *verdict_name(enum verdict verdict);
const char *limit_name(enum limit limit);
const char *limit_unit(enum limit limit);
enum limit_severity limit_severity(enum limit limit);

void score_judge(const struct scenario *scenario, const struct evidence *evidence,
                 struct score *ret);

/* --- the total --- */

enum { SCORE_MAX_CLASSES = 9 };
struct score_total {
    struct score_class {
        const char *name;                   /* the scenario's */
        unsigned scenarios, weight, points; /* points: weight times percent */
        bool is_capped;
        const char *capped_by; /* a scenario's name */
    } classes[SCORE_MAX_CLASSES];
    size_t class_count;
    unsigned percent;
    unsigned counts[4]; /* by verdict */
};
void score_add(struct score_total *total, const struct scenario *scenario,
               const struct score *score);
void score_sum(struct score_total *total); /* after the last one */
