// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/report_columns.h"
#include "drills/report_ear.h"

enum { NAME_COLUMNS = 29, FIGURE_COLUMNS = 7 };

bool report_noticed(const struct report_row *twin)
{
    enum verdict verdict = twin->score->verdict;
    return verdict == VERDICT_FAILED || verdict == VERDICT_DEGRADED;
}

bool report_is_good(const struct report_row *row)
{
    bool has_survived = row->score->verdict == VERDICT_SURVIVED;
    if (row->without_guard)
        return report_noticed(row);
    return has_survived == !row->scenario->about.waits_for;
}

static void show_heads(const char *first, const char *second, const char *(*head)(size_t),
                       FILE *out)
{
    fprintf(out, "%-*s %-10s", NAME_COLUMNS, first, second);
    for (size_t i = 0; i < REPORT_COLUMNS; i++)
        fprintf(out, " %*s", FIGURE_COLUMNS, head(i));
    fprintf(out, "\n");
}

void report_terminal_head(FILE *out)
{
    show_heads("", "", report_column_above, out);
    show_heads("scenario", "verdict", report_column_name, out);
}

static void show_figures(const struct report_row *row, FILE *out)
{
    int64_t values[REPORT_COLUMNS];
    report_column_values(row, values);
    for (size_t i = 0; i < REPORT_COLUMNS; i++)
        if (values[i] < 0)
            fprintf(out, " %*s", FIGURE_COLUMNS, "-");
        else
            fprintf(out, " %*lld", FIGURE_COLUMNS, (long long)values[i]);
}

static void show_ear(const struct evidence_ear *ear, FILE *out)
{
    struct buffer words;
    buffer_init(&words, 4096);
    report_ear_words(ear, &words);
    fprintf(out, "%-*s %.*s\n", NAME_COLUMNS, "", TEXT_ARGS(buffer_view(&words)));
    buffer_release(&words);
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
    if (row->scenario->about.waits_for && !row->without_guard)
        fprintf(out, "%-*s %s: waits for %s\n", NAME_COLUMNS, "",
                row->score->verdict == VERDICT_SURVIVED ? "NO LONGER RED" : "expected red",
                row->scenario->about.waits_for);
    if (row->evidence->ear.has_heard)
        show_ear(&row->evidence->ear, out);
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
