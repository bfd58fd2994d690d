// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * sostenuto-ear: hears one song as a listener would, and says what was heard.
 *
 * Started by `sostenuto drill`; ended by SIGTERM.  Standard output is a story, a line an event; the
 * last line of --report is one JSON object (docs/formats/drill.md, "The ear").
 */
#include "base/json.h"
#include "drills/ear/ear.h"
#include "drills/ear/sound.h"
#include "io/file.h"
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
    const char *source, *report;
    struct ear_config config;
};

enum word {
    WORD_NODE = 1,
    WORD_NAME,
    WORD_PASSWORD,
    WORD_OTHER,
    WORD_OTHER_PASSWORD,
    WORD_TITLE,
    WORD_SOURCE,
    WORD_WAV,
    WORD_PLAYING,
    WORD_REPORT,
    WORD_BUFFER_MS,
    WORD_ACT_MS,
    WORD_WARM,
};

static const struct option options[] = {
    {"node", required_argument, NULL, WORD_NODE},
    {"name", required_argument, NULL, WORD_NAME},
    {"password", required_argument, NULL, WORD_PASSWORD},
    {"other", required_argument, NULL, WORD_OTHER},
    {"other-password", required_argument, NULL, WORD_OTHER_PASSWORD},
    {"title", required_argument, NULL, WORD_TITLE},
    {"source", required_argument, NULL, WORD_SOURCE},
    {"wav", required_argument, NULL, WORD_WAV},
    {"playing", required_argument, NULL, WORD_PLAYING},
    {"report", required_argument, NULL, WORD_REPORT},
    {"buffer-ms", required_argument, NULL, WORD_BUFFER_MS},
    {"act-ms", required_argument, NULL, WORD_ACT_MS},
    {"warm", no_argument, NULL, WORD_WARM},
    {NULL, 0, NULL, 0},
};

static bool take_number(uint32_t *ret, const char *value)
{
    uint64_t number;
    if (!text_to_u64(text_of(value), &number) || number < 50 || number > 600000)
        return false;
    *ret = (uint32_t)number;
    return true;
}

static bool take_word(struct words *words, int word, const char *value)
{
    struct ear_config *config = &words->config;
    const char **texts[] = {
        [WORD_NAME] = &config->name,        [WORD_PASSWORD] = &config->password,
        [WORD_OTHER] = &config->other_name, [WORD_OTHER_PASSWORD] = &config->other_password,
        [WORD_TITLE] = &config->title,      [WORD_SOURCE] = &words->source,
        [WORD_WAV] = &config->wav_path,     [WORD_PLAYING] = &config->playing_path,
        [WORD_REPORT] = &words->report,
    };
    switch (word) {
    case WORD_NODE:
        if (config->node_count == EAR_MAX_NODES)
            return false;
        config->nodes[config->node_count++] = value;
        return true;
    case WORD_BUFFER_MS:
        return take_number(&config->buffer_ms, value);
    case WORD_ACT_MS:
        return take_number(&config->act_ms, value);
    case WORD_WARM:
        return config->warms = true;
    default:
        if (word < WORD_NAME || word > WORD_REPORT)
            return false;
        *texts[word] = value;
        return true;
    }
}

static bool take_words(struct words *words, int count, char **values)
{
    int word;
    bool is_good = true;
    while (is_good && (word = getopt_long(count, values, "", options, NULL)) != -1)
        is_good = take_word(words, word, optarg);
    const struct ear_config *config = &words->config;
    return is_good && optind == count && config->node_count > 0 && config->name &&
           config->password && config->other_name && config->other_password && config->title &&
           words->source;
}

static void put_tries(struct json *json, const char *name, const struct ear_tries *tries)
{
    json_name(json, name);
    json_begin_object(json);
    json_member_u64(json, "tried", tries->tried);
    json_member_u64(json, "failed", tries->failed);
    json_end_object(json);
}

static void put_report(struct json *json, const struct ear *ear)
{
    const struct tape_figures *figures = tape_figures(ear->tape);
    const struct ear_writes *writes = &ear->acknowledged;
    json_begin_object(json);
    json_member_text(json, "why", text_of(ear->why));
    json_member_u64(json, "heardMs", tape_ms(ear->tape, figures->heard_frames));
    json_member_u64(json, "silentMs", tape_ms(ear->tape, figures->silent_frames));
    json_member_u64(json, "gaps", figures->gaps);
    json_member_u64(json, "longestGapMs", tape_ms(ear->tape, figures->longest_gap_frames));
    if (figures->gaps > 0)
        json_member_u64(json, "stoppedAtMs", tape_ms(ear->tape, figures->first_gap_at_frame));
    json_member_u64(json, "heardSamples", figures->heard_frames);
    json_member_u64(json, "wrongSamples", figures->wrong_frames);
    json_member_u64(json, "moves", ear->moves);
    put_tries(json, "searches", &ear->searches);
    put_tries(json, "signIns", &ear->sign_ins);
    json_member_u64(json, "writes", writes->plays + writes->stars + writes->entries);
    json_member_u64(json, "writesLate", ear->writes_late);
    json_member_u64(json, "writesLost", ear->lost);
    json_member_u64(json, "writesDoubled", ear->doubled);
    json_end_object(json);
}

static bool write_report(const struct ear *ear, const char *path)
{
    struct buffer out;
    struct json json;
    buffer_init(&out, 65536);
    json_init(&json, &out);
    put_report(&json, ear);
    buffer_byte(&out, '\n');
    int error = path ? file_write_atomic(AT_FDCWD, path, buffer_view(&out), 0600) : 0;
    buffer_release(&out);
    return error == 0;
}

int main(int count, char **values)
{
    struct words words = {.config = {.buffer_ms = 30000, .act_ms = 1500}};
    struct tape_source source;
    if (!take_words(&words, count, values)) {
        fprintf(stderr, "sostenuto-ear: it is started by sostenuto drill\n");
        return 2;
    }
    if (!sound_of_file(words.source, &source)) {
        fprintf(stderr, "sostenuto-ear: %s is no song of 16 bits\n", words.source);
        return 1;
    }
    struct ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return 1;
    ear->config = &words.config;
    ear->source = &source;
    int code = ear_run(ear);
    if (code != 0)
        fprintf(stderr, "sostenuto-ear: %s\n", ear->why);
    if (ear->tape && !write_report(ear, words.report))
        code = 1;
    if (!tape_close(&ear->tape))
        code = 1;
    ear_release(ear);
    buffer_release(&source.samples);
    free(ear);
    return code;
}
