// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "drills/report_ear.h"
#include "drills/report.h"

static void put_histogram(struct json *json, const char *name, const struct histogram *histogram)
{
    json_name(json, name);
    json_begin_object(json);
    json_member_u64(json, "count", histogram->count);
    json_member_u64(json, "p50", histogram_quantile_ms(histogram, 500));
    json_member_u64(json, "p99", histogram_quantile_ms(histogram, 990));
    json_member_u64(json, "max", histogram->max_ms);
    json_end_object(json);
}

static void put_tries(struct json *json, const char *name, const struct load_tries *tries)
{
    json_name(json, name);
    json_begin_object(json);
    json_member_u64(json, "tried", tries->tried);
    json_member_u64(json, "failed", tries->failed);
    json_member_u64(json, "ms_p99", histogram_quantile_ms(&tries->ms, 990));
    json_end_object(json);
}

static void put_figures(struct json *json, const char *name_, const struct load_figures *figures)
{
    json_name(json, name_);
    json_begin_object(json);
#define FIGURE_COUNT(name, help) json_member_u64(json, #name, figures->name);
#define FIGURE_TIMES(name, help) put_histogram(json, #name, &figures->name);
#define FIGURE_TRIES(name, help) put_tries(json, #name, &figures->name);
#include "drills/load_figures.def"
#undef FIGURE_COUNT
#undef FIGURE_TIMES
#undef FIGURE_TRIES
    json_end_object(json);
}

static void put_probes(struct json *json, const struct score *score)
{
    json_name(json, "limits");
    json_begin_object(json);
    for (unsigned i = 0; i < LIMITS; i++) {
        const struct score_probe *probe = &score->probes[i];
        json_name(json, limit_name((enum limit)i));
        json_begin_object(json);
        json_name(json, "value");
        if (probe->is_proven)
            json_i64(json, probe->value);
        else
            json_write_null(json);
        if (probe->is_given) {
            json_member_i64(json, "limit", probe->limit);
            json_member_bool(json, "holds", probe->holds);
        }
        json_end_object(json);
    }
    json_end_object(json);
}

static void put_faults(struct json *json, const struct report_row *row)
{
    json_name(json, "faults");
    json_begin_array(json);
    for (size_t i = 0; i < row->scenario->fault_count; i++) {
        const struct scenario_fault *fault = &row->scenario->faults[i];
        json_begin_object(json);
        json_member_text(json, "kind", text_of(fault_name(fault->kind)));
        json_member_i64(json, "at_s", fault->at_s);
        if (fault_lasts(fault->kind))
            json_member_i64(json, "until_s", fault->until_s);
        json_member_bool(json, "bit", row->evidence->faults[i].has_bit);
        json_member_text(json, "evidence", text_of(row->evidence->faults[i].words));
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_writes(struct json *json, const struct evidence *evidence)
{
    static const char *const names[] = {"plays", "stars", "playlists"};
    json_name(json, "writes_read_back");
    if (!evidence->has_readback) {
        json_write_null(json);
        return;
    }
    json_begin_object(json);
    json_member_bool(json, "proven", evidence->readback.is_proven);
    for (unsigned i = 0; i < LOAD_WRITE_KINDS; i++) {
        const struct load_written *kind = &evidence->readback.kinds[i];
        json_name(json, names[i]);
        json_begin_object(json);
        json_member_u64(json, "acknowledged", kind->acknowledged);
        json_member_u64(json, "unknown", kind->unknown);
        json_member_u64(json, "lost", kind->lost);
        json_member_u64(json, "doubled", kind->duplicated);
        json_end_object(json);
    }
    json_end_object(json);
}

static void put_control(struct json *json, const struct evidence_control *control)
{
    json_name(json, "control");
    json_begin_object(json);
    json_member_bool(json, "ran", control->has_run);
    json_member_bool(json, "kept_up", control->kept_up);
    json_member_u64(json, "plays_started", control->plays_started);
    json_member_u64(json, "plays_failed", control->plays_failed);
    json_member_u64(json, "gaps", control->gaps);
    json_member_u64(json, "start_ms_p99", control->start_ms_p99);
    json_member_u64(json, "late_ms_max", control->late_ms_max);
    json_end_object(json);
}

static void put_seconds(struct json *json, const struct evidence *evidence)
{
    json_name(json, "seconds");
    json_begin_array(json);
    for (size_t i = 0; i < evidence->second_count; i++) {
        const struct evidence_second *second = &evidence->seconds[i];
        const struct load_second *load = &second->load;
        json_begin_object(json);
#define FIGURE_SECOND(type, name, help) json_member_u64(json, #name, load->name);
#include "drills/load_seconds.def"
#undef FIGURE_SECOND
        json_member_u64(json, "memory_mib", second->memory_mib);
        json_member_u64(json, "down_ms", second->down_ms);
        json_member_u64(json, "starved_ms", second->starved_ms);
        json_member_u64(json, "origin_asked", second->asked);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_row(struct json *json, const struct report_row *row)
{
    const struct evidence *evidence = row->evidence;
    json_begin_object(json);
    json_member_text(json, "name", text_of(row->scenario->about.name));
    json_member_text(json, "class", text_of(row->scenario->about.class));
    json_member_i64(json, "weight", row->scenario->about.weight);
    json_member_i64(json, "seed", row->scenario->about.seed);
    json_member_text(json, "proves", text_of(row->scenario->about.proves));
    if (row->without_guard) {
        json_member_text(json, "without_guard", text_of(row->without_guard));
        json_member_bool(json, "noticed", report_noticed(row));
    }
    if (row->scenario->about.waits_for)
        json_member_text(json, "waits_for", text_of(row->scenario->about.waits_for));
    json_member_text(json, "verdict", text_of(verdict_name(row->score->verdict)));
    json_member_text(json, "why", text_of(row->score->why));
    json_member_u64(json, "percent", row->score->percent);
    json_member_u64(json, "took_ms", evidence->took_ms);
    json_member_u64(json, "down_ms", evidence->down_ms_max);
    json_member_u64(json, "starved_ms", evidence->starved_ms_max);
    json_member_u64(json, "memory_peak_bytes", evidence->memory_peak_bytes);
    json_member_i64(json, "server_exit_code", evidence->exit_code);
    put_probes(json, row->score);
    put_faults(json, row);
    put_writes(json, evidence);
    if (evidence->ear.has_heard) {
        json_name(json, "ear");
        report_ear_json(json, &evidence->ear);
    }
    put_control(json, &evidence->control);
    put_figures(json, "whole", &evidence->whole);
    put_figures(json, "before", &evidence->before);
    put_figures(json, "during", &evidence->during);
    put_figures(json, "after", &evidence->after);
    put_seconds(json, evidence);
    json_end_object(json);
}

static void put_total(struct json *json, const struct score_total *total)
{
    json_name(json, "total");
    json_begin_object(json);
    json_member_u64(json, "percent", total->percent);
    json_member_u64(json, "survived", total->counts[VERDICT_SURVIVED]);
    json_member_u64(json, "degraded", total->counts[VERDICT_DEGRADED]);
    json_member_u64(json, "failed", total->counts[VERDICT_FAILED]);
    json_member_u64(json, "not_proven", total->counts[VERDICT_NOT_PROVEN]);
    json_name(json, "classes");
    json_begin_object(json);
    for (size_t i = 0; i < total->class_count; i++) {
        const struct score_class *class = &total->classes[i];
        json_member_u64(json, class->name, class->is_capped ? 0 : class->points / class->weight);
    }
    json_end_object(json);
    json_end_object(json);
}

void report_json(const struct report *report, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "format", TEXT("sostenuto-drill 1.0"));
    json_member_text(&json, "version", text_of(report->version));
    if (report->when)
        json_member_text(&json, "when", text_of(report->when));
    json_member_bool(&json, "own_network", report->has_space);
    json_member_u64(&json, "took_ms", report->took_ms);
    put_total(&json, report->total);
    json_name(&json, "scenarios");
    json_begin_array(&json);
    for (size_t i = 0; i < report->row_count; i++)
        put_row(&json, &report->rows[i]);
    json_end_array(&json);
    json_end_object(&json);
    buffer_text(out, TEXT("\n"));
}
