// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "drills/report_ear.h"
#include "drills/report_columns.h"
#include "drills/report_plot.h"
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1d22;--soft:#5d6470;--rule:#d9dce2;"
    "--card:#f6f7f9;--a:#1f6fb5;--b:#8a5fb0;--bad:#c4420b;--fault:#c4420b22;--good:#1c7c3c;"
    "--warn:#946200;--unknown:#5d6470}"
    "@media(prefers-color-scheme:dark){:root{--paper:#15171b;--ink:#e7e9ee;--soft:#9aa2b1;"
    "--rule:#343944;--card:#1d2026;--a:#62aef0;--b:#c39ae8;--bad:#ff8a57;--fault:#ff8a572b;"
    "--good:#5cc783;--warn:#e3b04b;--unknown:#9aa2b1}}"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:74rem;padding:1.5rem 1rem 4rem;"
    "background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.7rem;margin:0}h2{font-size:1.25rem;margin:0}h3{font-size:1rem;margin:1rem 0 "
    ".3rem}p{margin:.3rem 0}.soft,.most{color:var(--soft)}a{color:inherit}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:"
    "tabular-nums}th,td{padding:.3rem .45rem;text-align:right;border-bottom:1px solid var(--rule);"
    "white-space:nowrap}th{font-weight:600;white-space:normal;vertical-align:bottom;color:var(--"
    "soft);font-size:.85rem}"
    "td:first-child,th:first-child,.l{text-align:left}tr.twin td{color:var(--soft)}"
    ".v{font-weight:700}.survived{color:var(--good)}.degraded{color:var(--warn)}"
    ".failed{color:var(--bad)}.not{color:var(--unknown)}"
    "section{background:var(--card);border:1px solid var(--rule);border-radius:.6rem;padding:1rem;"
    "margin:1.2rem 0}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));"
    "gap:.6rem 1.4rem}figure{margin:0}figcaption{font-size:.85rem}svg{width:100%;height:auto;"
    "display:block}svg text{fill:var(--soft);font-size:11px}.y{text-anchor:end}.x{text-anchor:"
    "middle}.grid{stroke:var(--rule);fill:none}.line{fill:none;stroke-width:2}.line.a{stroke:"
    "var(--a)}.line.b{stroke:var(--b)}.line.bad{stroke:var(--bad)}.bar.a{fill:var(--a)}.bar.b{fill:"
    "var(--b)}.bar.bad{fill:var(--bad)}.fault{fill:var(--fault)}.key{display:inline-block;width:"
    ".7em;height:.7em;border-radius:.15em;margin:0 .3em 0 .6em}.key.a{background:var(--a)}.key.b{"
    "background:var(--b)}.key.bad{background:var(--bad)}.broken{color:var(--bad);font-weight:600}"
    ".total{display:flex;flex-wrap:wrap;gap:.4rem 2rem;align-items:baseline;margin:1rem 0}"
    ".total b{font-size:2.6rem;line-height:1}";

static const char *verdict_class(enum verdict verdict)
{
    return verdict == VERDICT_NOT_PROVEN ? "not" : verdict_name(verdict);
}

static const char *verdict_sign(enum verdict verdict)
{
    static const char *const signs[] = {"✓", "~", "✕", "?"};
    return signs[verdict];
}

static void put_verdict(struct buffer *out, enum verdict verdict)
{
    buffer_printf(out, "<span class=\"v %s\">%s %s</span>", verdict_class(verdict),
                  verdict_sign(verdict), verdict_name(verdict));
}

static void put_cell(struct buffer *out, int64_t value)
{
    if (value < 0)
        buffer_text(out, TEXT("<td>–</td>"));
    else
        buffer_printf(out, "<td>%lld</td>", (long long)value);
}

/* --- the table of all runs --- */

static void put_summary_row(const struct report_row *row, struct buffer *out)
{
    const struct evidence *evidence = row->evidence;
    int64_t values[REPORT_COLUMNS];
    if (row->without_guard)
        buffer_printf(out, "<tr class=\"twin\"><td>without %s</td>", row->without_guard);
    else
        buffer_printf(out, "<tr><td><a href=\"#%s\">%s</a></td>", row->scenario->about.name,
                      row->scenario->about.name);
    buffer_text(out, TEXT("<td class=\"l\">"));
    put_verdict(out, row->score->verdict);
    if (row->without_guard)
        buffer_text(out, report_noticed(row) ? TEXT(", noticed") : TEXT(", not noticed"));
    buffer_text(out, TEXT("</td>"));
    if (evidence->has_begun) {
        report_column_values(row, values);
        for (size_t i = 0; i < REPORT_COLUMNS; i++)
            put_cell(out, values[i]);
    } else {
        buffer_printf(out, "<td class=\"l\" colspan=\"%d\">", REPORT_COLUMNS);
        html_text(out, text_of(row->score->why));
        buffer_text(out, TEXT("</td>"));
    }
    buffer_text(out, TEXT("</tr>\n"));
}

static void put_summary(const struct report *report, struct buffer *out)
{
    buffer_text(
        out, TEXT("<div class=\"wide\"><table><tr><th>scenario</th><th class=\"l\">verdict</th>"));
    for (size_t i = 0; i < REPORT_COLUMNS; i++)
        buffer_printf(out, "<th>%s %s</th>", report_column_above(i), report_column_name(i));
    buffer_text(out, TEXT("</tr>\n"));
    for (size_t i = 0; i < report->row_count; i++)
        put_summary_row(&report->rows[i], out);
    buffer_text(out, TEXT("</table></div>\n"));
}

static void put_total(const struct report *report, struct buffer *out)
{
    const struct score_total *total = report->total;
    buffer_printf(out, "<div class=\"total\"><span><b>%u</b> of 100</span>", total->percent);
    for (unsigned i = 0; i < 4; i++)
        if (total->counts[i])
            buffer_printf(out, "<span class=\"v %s\">%u %s</span>", verdict_class((enum verdict)i),
                          total->counts[i], verdict_name((enum verdict)i));
    for (size_t i = 0; i < total->class_count; i++) {
        const struct score_class *class = &total->classes[i];
        buffer_printf(out, "<span class=\"soft\">%s %u", class->name,
                      class->is_capped ? 0 : class->points / class->weight);
        if (class->is_capped)
            buffer_printf(out, " (because of %s)", class->capped_by);
        buffer_text(out, TEXT("</span>"));
    }
    buffer_text(out, TEXT("</div>\n"));
}

/* --- one run --- */

static void put_limits(const struct report_row *row, struct buffer *out)
{
    buffer_text(out, TEXT("<p>"));
    bool is_first = true;
    for (unsigned i = 0; i < LIMITS; i++) {
        const struct score_probe *probe = &row->score->probes[i];
        if (!probe->is_given)
            continue;
        buffer_printf(out, "%s<span%s>%s ", is_first ? "" : " · ",
                      probe->holds ? "" : " class=\"broken\"", limit_name((enum limit)i));
        if (probe->is_proven)
            buffer_printf(out, "%lld", (long long)probe->value);
        else
            buffer_text(out, TEXT("not measured"));
        buffer_printf(out, " of at most %lld%s%s</span>", (long long)probe->limit,
                      limit_unit((enum limit)i)[0] ? " " : "", limit_unit((enum limit)i));
        is_first = false;
    }
    buffer_text(out, TEXT("</p>\n"));
}

static void put_faults(const struct report_row *row, struct buffer *out)
{
    for (size_t i = 0; i < row->scenario->fault_count; i++) {
        const struct scenario_fault *fault = &row->scenario->faults[i];
        buffer_printf(out, "<p class=\"soft\">%lld s", (long long)fault->at_s);
        if (fault_lasts(fault->kind))
            buffer_printf(out, " to %lld s", (long long)fault->until_s);
        buffer_printf(out, ": %s; ", fault_name(fault->kind));
        html_text(out, text_of(row->evidence->faults[i].words));
        buffer_text(out, TEXT("</p>\n"));
    }
}

static void put_writes(const struct evidence *evidence, struct buffer *out)
{
    uint64_t acknowledged = 0, unknown = 0, lost = 0;
    if (!evidence->has_readback)
        return;
    for (unsigned i = 0; i < LOAD_WRITE_KINDS; i++) {
        acknowledged += evidence->readback.kinds[i].acknowledged;
        unknown += evidence->readback.kinds[i].unknown;
        lost += evidence->readback.kinds[i].lost;
    }
    buffer_printf(out,
                  "<p class=\"soft\">Writes: %llu acknowledged, %llu without an answer, %llu lost "
                  "when all were read back.</p>\n",
                  (unsigned long long)acknowledged, (unsigned long long)unknown,
                  (unsigned long long)lost);
}

static void put_ear(const struct evidence_ear *ear, struct buffer *out)
{
    if (!ear->has_heard)
        return;
    buffer_text(out, TEXT("<p>The ear: "));
    report_ear_words(ear, out);
    buffer_text(out, TEXT(".</p>\n"));
}

static void put_control(const struct evidence_control *control, struct buffer *out)
{
    if (control->has_run)
        buffer_printf(
            out,
            "<p class=\"soft\">The same load against a null server: %llu plays, %llu "
            "failed, %llu gaps, start p99 %llu ms, its own clock at most %llu ms late.</p>\n",
            (unsigned long long)control->plays_started, (unsigned long long)control->plays_failed,
            (unsigned long long)control->gaps, (unsigned long long)control->start_ms_p99,
            (unsigned long long)control->late_ms_max);
}

/* A column of the seconds, for a plot. */
#define COLUMN(out, field)                                 \
    for (size_t i_ = 0; i_ < evidence->second_count; i_++) \
    (out)[i_] = evidence->seconds[i_].field

static void put_plots(const struct report_row *row, struct buffer *out)
{
    const struct evidence *evidence = row->evidence;
    size_t count = evidence->second_count;
    uint64_t *columns = mem_zalloc((3 * count + 1) * sizeof *columns);
    uint64_t *a = columns, *b = columns + count, *c = columns + 2 * count;
    struct plot plot = {.second_count = count, .line_count = 2};
    buffer_text(out, TEXT("<div class=\"plots\">\n"));
#define PLOT(title_, unit_, shape_, lines_, ...)      \
    do {                                              \
        plot.title = (title_);                        \
        plot.unit = (unit_);                          \
        plot.shape = (shape_);                        \
        plot.line_count = (lines_);                   \
        const struct plot_line of_[] = {__VA_ARGS__}; \
        memcpy(plot.lines, of_, sizeof of_);          \
        plot_write(&plot, row->scenario, out);        \
    } while (0)
    COLUMN(a, load.playing);
    COLUMN(b, load.listeners);
    COLUMN(c, load.silent);
    PLOT("Listeners", "", PLOT_LINE, 3, {"there", "b", b}, {"hear music", "a", a},
         {"hear silence", "bad", c});
    COLUMN(a, load.failed);
    COLUMN(b, load.gaps);
    PLOT("Heard as broken", "in a second", PLOT_BARS, 2, {"plays failed", "bad", a},
         {"gaps", "b", b});
    COLUMN(a, load.start_ms_p50);
    COLUMN(b, load.start_ms_p99);
    PLOT("Tap to music", "ms", PLOT_LINE, 2, {"half of them", "a", a}, {"99 of 100", "b", b});
    COLUMN(a, load.requests);
    COLUMN(b, load.retries);
    PLOT("Requests", "in a second", PLOT_LINE, 2, {"all", "a", a}, {"tried again", "bad", b});
    COLUMN(a, load.bytes);
    PLOT("Bytes", "B in a second", PLOT_LINE, 1, {"", "a", a});
    COLUMN(a, memory_mib);
    PLOT("Memory of the server", "MiB", PLOT_LINE, 1, {"", "a", a});
#undef PLOT
    buffer_text(out, TEXT("</div>\n"));
    mem_free(columns);
}

static void put_run(const struct report_row *row, struct buffer *out)
{
    const char *name = row->scenario->about.name;
    if (row->without_guard)
        buffer_printf(out, "<section id=\"%s-without-%s\"><h2>%s without %s <small>", name,
                      row->without_guard, name, row->without_guard);
    else
        buffer_printf(out, "<section id=\"%s\"><h2>%s <small>", name, name);
    put_verdict(out, row->score->verdict);
    buffer_text(out, TEXT("</small></h2>\n<p>"));
    html_text(out, text_of(row->scenario->about.proves));
    buffer_text(out, TEXT("</p>\n"));
    if (row->score->verdict != VERDICT_SURVIVED) {
        buffer_text(out, TEXT("<p class=\"broken\">"));
        html_text(out, text_of(row->score->why));
        buffer_text(out, TEXT("</p>\n"));
    }
    if (row->scenario->about.waits_for) {
        buffer_text(out, TEXT("<p class=\"broken\">Expected red: waits for "));
        html_text(out, text_of(row->scenario->about.waits_for));
        buffer_text(out, TEXT("</p>\n"));
    }
    if (row->evidence->has_begun) {
        put_limits(row, out);
        put_faults(row, out);
        put_writes(row->evidence, out);
        put_ear(&row->evidence->ear, out);
        put_control(&row->evidence->control, out);
        put_plots(row, out);
    }
    buffer_text(out, TEXT("</section>\n"));
}

void report_html(const struct report *report, struct buffer *out)
{
    buffer_printf(out,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<title>Sostenuto drills</title><style>%s</style></head><body>\n"
                  "<h1>Drills</h1><p class=\"soft\">sostenuto %s",
                  style, report->version);
    if (report->when)
        buffer_printf(out, ", %s", report->when);
    buffer_printf(out, ", %zu runs in %.0f s, %s. Shaded: a fault stands.</p>\n", report->row_count,
                  (double)report->took_ms / 1000,
                  report->has_space ? "in a network of their own" : "on the machine's loopback");
    put_total(report, out);
    put_summary(report, out);
    for (size_t i = 0; i < report->row_count; i++)
        put_run(&report->rows[i], out);
    buffer_text(out, TEXT("</body></html>\n"));
}
