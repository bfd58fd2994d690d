// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/report_ear.h"

#include "drills/evidence.h"

static void put_tries(struct buffer *out, const char *what, uint64_t tried, uint64_t failed)
{
    buffer_printf(out, "%s %llu, failed %llu · ", what, (unsigned long long)tried,
                  (unsigned long long)failed);
}

void report_ear_words(const struct evidence_ear *ear, struct buffer *out)
{
    bool is_whole = ear->wrong_samples == 0;
    buffer_printf(out, "heard %.1f s on %llu nodes, longest gap %llu ms · ",
                  (double)ear->heard_ms / 1000, (unsigned long long)ear->moves + 1,
                  (unsigned long long)ear->longest_gap_ms);
    put_tries(out, "searches", ear->searches, ear->searches_failed);
    put_tries(out, "sign-ins", ear->sign_ins, ear->sign_ins_failed);
    buffer_printf(out, "writes %llu, late %llu, lost %llu, doubled %llu · ",
                  (unsigned long long)ear->writes, (unsigned long long)ear->writes_late,
                  (unsigned long long)ear->writes_lost, (unsigned long long)ear->writes_doubled);
    if (is_whole)
        buffer_printf(out, "all %llu samples are the source's",
                      (unsigned long long)ear->heard_samples);
    else
        buffer_printf(out, "%llu of %llu samples are not the source's",
                      (unsigned long long)ear->wrong_samples,
                      (unsigned long long)ear->heard_samples);
    if (ear->stopped_at_ms != UINT64_MAX)
        buffer_printf(out, " · THE MUSIC STOPPED AT %.1f s", (double)ear->stopped_at_ms / 1000);
}

void report_ear_json(struct json *json, const struct evidence_ear *ear)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"heardMs", ear->heard_ms},
        {"silentMs", ear->silent_ms},
        {"gaps", ear->gaps},
        {"longestGapMs", ear->longest_gap_ms},
        {"heardSamples", ear->heard_samples},
        {"wrongSamples", ear->wrong_samples},
        {"moves", ear->moves},
        {"searches", ear->searches},
        {"searchesFailed", ear->searches_failed},
        {"signIns", ear->sign_ins},
        {"signInsFailed", ear->sign_ins_failed},
        {"writes", ear->writes},
        {"writesLate", ear->writes_late},
        {"writesLost", ear->writes_lost},
        {"writesDoubled", ear->writes_doubled},
    };
    json_begin_object(json);
    for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
        json_member_u64(json, figures[i].name, figures[i].value);
    json_name(json, "stoppedAtMs");
    if (ear->stopped_at_ms == UINT64_MAX)
        json_write_null(json);
    else
        json_u64(json, ear->stopped_at_ms);
    json_end_object(json);
}
