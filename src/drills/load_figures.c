// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load.h"

static void tries_since(struct load_tries *now, const struct load_tries *before)
{
    now->tried -= before->tried;
    now->failed -= before->failed;
    histogram_subtract(&now->ms, &before->ms);
}

void load_figures_since(struct load_figures *now, const struct load_figures *before)
{
#define FIGURE_COUNT(name, help) now->name -= before->name;
#define FIGURE_TIMES(name, help) histogram_subtract(&now->name, &before->name);
#define FIGURE_TRIES(name, help) tries_since(&now->name, &before->name);
#include "drills/load_figures.def"
#undef FIGURE_COUNT
#undef FIGURE_TIMES
#undef FIGURE_TRIES
}

bool load_kept_up(const struct load_figures *figures)
{
    return figures->late_ms_max <= LOAD_LATE_MS;
}
