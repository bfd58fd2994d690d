// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/report.h"

/* report_columns: what the table of all runs shows of each, whatever it is written in. */
enum {
    REPORT_COLUMNS = 0
#define REPORT_COLUMN(above, name, value) +1 // NOLINT(bugprone-macro-parentheses): a sum of them
#include "drills/report_columns.def"
#undef REPORT_COLUMN
};

const char *report_column_above(size_t column); /* of two lines the first; "" where it goes on */
const char *report_column_name(size_t column);
void report_column_values(const struct report_row *row, int64_t ret[REPORT_COLUMNS]);
