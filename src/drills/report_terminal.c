// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/report.h"

enum { NAME_COLUMNS = 26 };

bool report_noticed(const struct report_row *twin)
{
    return twin->score->verdict == VERDICT_FAILED;
}

void report_terminal_head(FILE *out)
{
    fprintf(out, "%-*s %-10s %6s %6s %14s %21s %6s %6s %6s %5s %5s\n", NAME_COLUMNS, "", "", "",
            "failed", "gaps", "start p99 ms", "down", "back", "ampl.", "lost", "peak");
    fprintf(out, "%-*s %-10s %6s %6s %14s %21s %6s %6s %6s %5s %5s\n", NAME_COLUMNS, "scenario",
            "verdict", "plays", "plays", "n p50/max ms", "before/during/after", "ms", "s", "%", "",
            "MiB");
}

static void show_number(int64_t value, int columns, FILE *out)
{
    if (value < 0)
        fprintf(out, " %*s", columns, "-");
    else
        fprintf(out, " %*lld", columns, (long long)value);
}

static uint64_t p99(const struct load_figures *figures)
{
    return histogram_quantile_ms(&figures->start_ms, 990);
}

static void show_figures(const struct report_row *row, FILE *out)
{
    const struct evidence *evidence = row->evidence;
    const struct load_figures *whole = &evidence->whole;
    char gaps[64], starts[64];
    (void)snprintf(gaps, sizeof gaps, "%llu %llu/%u", (unsigned long long)whole->gaps,
                   (unsigned long long)histogram_quantile_ms(&whole->gap_ms, 500),
                   whole->gap_ms.max_ms);
    (void)snprintf(
        starts, sizeof starts, "%llu/%llu/%llu", (unsigned long long)p99(&evidence->before),
        (unsigned long long)p99(&evidence->during), (unsigned long long)p99(&evidence->after));
    fprintf(out, " %6llu %6llu %14s %21s", (unsigned long long)whole->plays_started,
            (unsigned long long)whole->plays_failed, gaps, starts);
    show_number((int64_t)evidence->down_ms_max, 6, out);
    show_number(row->score->probes[LIMIT_AT_recover_s].value, 6, out);
    show_number(row->score->probes[LIMIT_AT_amplification_percent].value, 6, out);
    show_number(row->score->probes[LIMIT_AT_writes_lost].value, 5, out);
    show_number((int64_t)(evidence->memory_peak_bytes >> 20), 5, out);
}

void report_terminal_row(const struct report_row *row, FILE *out)
{
    char name[128];
    if (row->without_guard)
        (void)snprintf(name, sizeof name, "  without %s", row->without_guard);
    else
        (void)snprintf(name, sizeof name, "%s", row->scenario->about.name);
    fprintf(out, "%-*s %-10s", NAME_COLUMNS, name, verdict_name(row->score->verdict));
    if (row->evidence->has_begun)
        show_figures(row, out);
    fprintf(out, "\n");
    if (row->without_guard)
        fprintf(out, "%-*s %s: %s\n", NAME_COLUMNS, "",
                report_noticed(row) ? "noticed" : "NOT NOTICED", row->score->why);
    else if (row->score->verdict != VERDICT_SURVIVED)
        fprintf(out, "%-*s %s\n", NAME_COLUMNS, "", row->score->why);
    (void)fflush(out);
}

void report_terminal_total(const struct report *report, FILE *out)
{
    const struct score_total *total = report->total;
    fprintf(out, "\n");
    for (size_t i = 0; i < total->class_count; i++) {
        const struct score_class *class = &total->classes[i];
        unsigned percent = class->is_capped ? 0 : class->points / class->weight;
        fprintf(out, "%-10s %3u  (%u scenario%s, weight %u)", class->name, percent,
                class->scenarios, class->scenarios == 1 ? "" : "s", class->weight);
        if (class->is_capped)
            fprintf(out, "  0 because of %s", class->capped_by);
        fprintf(out, "\n");
    }
    fprintf(out, "total      %3u  %u survived, %u degraded, %u failed, %u not proven; %.0f s\n",
            total->percent, total->counts[VERDICT_SURVIVED], total->counts[VERDICT_DEGRADED],
            total->counts[VERDICT_FAILED], total->counts[VERDICT_NOT_PROVEN],
            (double)report->took_ms / 1000);
}
