// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/report.h"

/*
 * report_plot: one small picture of one figure over the seconds of a run, as inline SVG.
 *
 * Colours are classes of the page's style sheet, so that it follows dark and light.  The time in
 * which faults stood is shaded.
 */
enum { PLOT_MAX_LINES = 3 };

enum plot_shape { PLOT_LINE, PLOT_BARS };

struct plot {
    const char *title, *unit;
    enum plot_shape shape;
    struct plot_line {
        const char *name;  /* for the legend */
        const char *class; /* "a", "b", "bad" */
        const uint64_t *values;
    } lines[PLOT_MAX_LINES];
    size_t line_count, second_count;
};

/* The least 1, 2 or 5 times a power of ten that is not below `value`; at least 1. */
uint64_t plot_ceiling(uint64_t value);
void plot_write(const struct plot *plot, const struct scenario *scenario, struct buffer *out);
void html_text(struct buffer *out, struct text words); /* & < > " escaped */
