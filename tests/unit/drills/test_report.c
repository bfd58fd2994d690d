// SPDX-License-Identifier: GPL-3.0-or-later
/* The score card in its three forms. */
#include "drills/report.h"
#include "drills/report_plot.h"
#include "tap.h"

#include <expat.h>
#include <jansson.h>
#include <stdlib.h>

static struct evidence_second seconds[20];
static struct scenario scenario = {
    .about = {.name = (char *)(uintptr_t) "server-killed",
              .class = (char *)(uintptr_t) "crash",
              .proves = (char *)(uintptr_t) "1 < 2 & \"all\" is well",
              .weight = 5,
              .seconds = 20},
    .fault_count = 1,
    .faults = {{.kind = FAULT_HANG, .at_s = 6, .until_s = 9}}};
static struct evidence evidence = {.has_begun = true, .seconds = seconds, .second_count = 20};
static struct score score, twin_score;

static void make_evidence(void)
{
    int64_t *limits = (int64_t *)&scenario.limits;
    for (size_t i = 0; i < LIMITS; i++)
        limits[i] = SCENARIO_NOT_GIVEN;
    scenario.limits.failed_plays = 2;
    scenario.limits.writes_lost = 0;
    for (unsigned i = 0; i < 20; i++)
        seconds[i] = (struct evidence_second){.load = {.listeners = 100,
                                                       .playing = 90 + i % 7,
                                                       .failed = i == 7,
                                                       .start_ms_p50 = 20 + i,
                                                       .start_ms_p99 = 50 + 3 * i,
                                                       .requests = 1500,
                                                       .bytes = 2000000 + i},
                                              .memory_mib = 40};
    evidence.whole = (struct load_figures){.taps = 200, .plays_started = 199, .plays_failed = 1};
    evidence.before.plays_started = 50;
    evidence.faults[0].has_bit = true;
    evidence.has_readback = evidence.readback.is_proven = true;
    evidence.readback.kinds[0].acknowledged = 30;
    score_judge(&scenario, &evidence, &score);
    twin_score = score;
    twin_score.verdict = VERDICT_FAILED;
}

static struct report report_of(const struct report_row *rows, size_t count,
                               struct score_total *total)
{
    *total = (struct score_total){0};
    score_add(total, &scenario, &score);
    score_sum(total);
    return (struct report){.rows = rows,
                           .row_count = count,
                           .total = total,
                           .version = "1.0",
                           .has_space = true,
                           .took_ms = 21000};
}

static void test_json(const struct report *report)
{
    struct buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    report_json(report, &out);
    json_t *root = json_loadb(out.data, out.size, 0, NULL);
    const json_t *rows = json_object_get(root, "scenarios");
    const json_t *first = json_array_get(rows, 0), *twin = json_array_get(rows, 1);
    OK(root && json_array_size(rows) == 2, "the JSON parses and has a row a run");
    OK_TEXT(text_of(json_string_value(json_object_get(first, "verdict"))), TEXT("survived"),
            "a row has its verdict");
    OK(json_array_size(json_object_get(first, "seconds")) == 20, "and its seconds");
    OK(json_is_true(json_object_get(twin, "noticed")), "a twin that failed noticed");
    const json_t *limits = json_object_get(first, "limits");
    OK(json_integer_value(json_object_get(json_object_get(limits, "failed_plays"), "value")) == 1 &&
           json_is_true(json_object_get(json_object_get(limits, "failed_plays"), "holds")),
       "limits have value and judgement");
    OK(json_is_null(json_object_get(json_object_get(limits, "memory_mib"), "value")),
       "what was not measured is null");
    json_decref(root);
    buffer_release(&out);
}

/* The page is HTML, but its pictures are XML and must be whole. */
static bool is_whole_picture(struct text page)
{
    struct text rest = page;
    size_t pictures = 0;
    while (rest.size > 5) {
        const char *begin = memmem(rest.data, rest.size, "<svg", 4);
        const char *end =
            begin ? memmem(begin, (size_t)(page.data + page.size - begin), "</svg>", 6) : NULL;
        if (!begin || !end)
            break;
        XML_Parser parser = XML_ParserCreate("UTF-8");
        bool is_good = XML_Parse(parser, begin, (int)(end + 6 - begin), 1) == XML_STATUS_OK;
        XML_ParserFree(parser);
        if (!is_good)
            return false;
        pictures++;
        rest = text_from(page, (size_t)(end + 6 - page.data));
    }
    return pictures == 12;
}

static void test_html(const struct report *report)
{
    struct buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    report_html(report, &out);
    struct text page = buffer_view(&out);
    OK(text_starts(page, TEXT("<!doctype html>")) && text_ends(page, TEXT("</html>\n")),
       "the page is whole");
    OK(!text_contains(page, TEXT("<script")) && !text_contains(page, TEXT("src=")) &&
           !text_contains(page, TEXT("http")),
       "and needs nothing else: no script, no file, no network");
    OK(text_contains(page, TEXT("1 &lt; 2 &amp; &quot;all&quot; is well")), "words are escaped");
    OK(text_contains(page, TEXT("prefers-color-scheme:dark")), "it has a dark side");
    OK(is_whole_picture(page), "each run has six pictures, and each is well-formed");
    OK(text_contains(page, TEXT("class=\"fault\"")), "the fault is shaded");
    buffer_release(&out);
    const char *path = getenv("DRILL_REPORT_SAMPLE"); /* for a person who wants to look */
    FILE *file = path ? fopen(path, "we") : NULL;
    if (file) {
        buffer_init(&out, REPORT_MAX_BYTES);
        report_html(report, &out);
        (void)fwrite(out.data, 1, out.size, file);
        (void)fclose(file);
        buffer_release(&out);
    }
}

static void test_terminal(const struct report *report)
{
    char *words = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&words, &size);
    report_terminal_head(out);
    for (size_t i = 0; i < report->row_count; i++)
        report_terminal_row(&report->rows[i], out);
    report_terminal_total(report, out);
    (void)fclose(out);
    struct text table = {words, size};
    OK(text_contains(table, TEXT("server-killed")) && text_contains(table, TEXT("survived")),
       "the table names scenario and verdict");
    OK(text_contains(table, TEXT("without some-guard")) && text_contains(table, TEXT("noticed")),
       "and the twin beneath it");
    OK(text_contains(table, TEXT("total      100")), "and the total");
    free(words);
}

int main(void)
{
    make_evidence();
    const struct report_row rows[] = {{&scenario, &evidence, &score, NULL},
                                      {&scenario, &evidence, &twin_score, "some-guard"}};
    struct score_total total;
    struct report report = report_of(rows, ARRAY_SIZE(rows), &total);
    OK(plot_ceiling(0) == 1 && plot_ceiling(3) == 5 && plot_ceiling(50) == 50 &&
           plot_ceiling(51) == 100 && plot_ceiling(1234567) == 2000000,
       "axes end at 1, 2 or 5 times a power of ten");
    test_json(&report);
    test_html(&report);
    test_terminal(&report);
    return tap_done();
}
