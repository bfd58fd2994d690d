// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/score.h"
#include <stdio.h>

/*
 * report: a score card, three ways: a table for a terminal, JSON to compare commits by, and one
 * HTML page that needs nothing else: no script, no font, no picture of its own.
 *
 * A row is one run of a scenario.  A twin is a run without one of its guards; it *noticed* when it
 * broke a limit (failed, or degraded where the claim is one about what listeners see), and a drill
 * whose twin survives, or proves nothing, has not shown that its guard matters.
 */
enum { REPORT_MAX_BYTES = 16 << 20 };

struct report_row {
    const struct scenario *scenario;
    const struct evidence *evidence;
    const struct score *score;
    const char *without_guard; /* NULL: an ordinary run */
};
/* As it should be: survived, or noticed as a twin, or red where that is expected (waits_for). */
bool report_is_good(const struct report_row *row);

struct report {
    const struct report_row *rows;
    size_t row_count;
    const struct score_total *total; /* of ordinary runs */
    const char *version, *when;      /* when: a timestamp, or NULL in tests */
    bool has_space;                  /* the drills had a network of their own */
    uint64_t took_ms;
};

bool report_noticed(const struct report_row *twin);
void report_terminal_head(FILE *out);
void report_terminal_row(const struct report_row *row, FILE *out);
void report_terminal_total(const struct report *report, FILE *out);
void report_json(const struct report *report, struct buffer *out);
void report_html(const struct report *report, struct buffer *out);
