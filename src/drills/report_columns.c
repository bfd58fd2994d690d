// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/report_columns.h"

static int64_t start_p99(const struct load_figures *figures)
{
    return figures->start_ms.count ? (int64_t)histogram_quantile_ms(&figures->start_ms, 990) : -1;
}

const char *report_column_above(size_t column)
{
    static const char *const words[] = {
#define REPORT_COLUMN(above, name, value) above,
#include "drills/report_columns.def"
#undef REPORT_COLUMN
    };
    return words[column];
}

const char *report_column_name(size_t column)
{
    static const char *const names[] = {
#define REPORT_COLUMN(above, name, value) name,
#include "drills/report_columns.def"
#undef REPORT_COLUMN
    };
    return names[column];
}

void report_column_values(const struct report_row *row, int64_t ret[REPORT_COLUMNS])
{
    const struct evidence *evidence = row->evidence;
    const struct score *score = row->score;
    size_t column = 0;
#define REPORT_COLUMN(above, name, value) ret[column++] = (value);
#include "drills/report_columns.def"
#undef REPORT_COLUMN
}
