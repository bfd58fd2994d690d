// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/run_ear.h"

#include "base/mem.h"
#include "io/file.h"
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 48, MAX_TARGETS = 8, END_MS = 2000, REPORT_BYTES = 65536 };

struct run_ear {
    pid_t pid; /* 0: ended */
    bool is_stopping;
    char program[PATH_MAX], source[PATH_MAX], wav[PATH_MAX], playing[PATH_MAX], report[PATH_MAX],
        log[PATH_MAX], out[PATH_MAX];
    char nodes[MAX_TARGETS][40], buffer_ms[24], act_ms[24];
};

static bool place(char *out, const char *folder, const char *name)
{
    int size = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return size > 0 && size < PATH_MAX;
}

static bool make_places(struct run_ear *ear, const struct scenario *scenario,
                        const struct run_config *config)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(config->program, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - config->program) : 0,
                   config->program);
    (void)snprintf(ear->buffer_ms, sizeof ear->buffer_ms, "%lld",
                   (long long)scenario->ear.buffer_ms);
    (void)snprintf(ear->act_ms, sizeof ear->act_ms, "%lld", (long long)scenario->ear.act_ms);
    (void)snprintf(ear->out, sizeof ear->out, "%s", "/dev/stdout");
    return place(ear->program, folder, "sostenuto-ear") &&
           place(ear->source, scenario->topology.library, scenario->ear.song) &&
           place(ear->wav, config->folder, "heard.wav") &&
           place(ear->playing, config->folder, "ear.playing") &&
           place(ear->report, config->folder, "ear.json") &&
           place(ear->log, config->folder, "ear.log") &&
           (config->story || place(ear->out, config->folder, "ear.story"));
}

/* Edges first, their origin last: that is the order in which it tries them. */
static size_t put_nodes(struct run_ear *ear, const struct fleet *fleet, const char **arguments)
{
    size_t nodes = fleet_target_count(fleet), count = 0;
    for (size_t i = 0; i < nodes && i < MAX_TARGETS; i++) {
        size_t at = (i + 1) % nodes;
        (void)snprintf(ear->nodes[i], sizeof ear->nodes[i], "http://127.0.0.1:%u",
                       fleet_target(fleet, at));
        arguments[count++] = "--node";
        arguments[count++] = ear->nodes[i];
    }
    return count;
}

static pid_t start(struct run_ear *ear, const struct scenario *scenario, const struct fleet *fleet)
{
    unsigned accounts;
    const struct load_account *account = fleet_accounts(fleet, &accounts);
    const struct load_account *own = &account[accounts - 2], *other = &account[accounts - 1];
    const char *const words[] = {
        "--name",     own->name,          "--password",    own->password, "--other",
        other->name,  "--other-password", other->password, "--title",     scenario->ear.title,
        "--source",   ear->source,        "--wav",         ear->wav,      "--playing",
        ear->playing, "--report",         ear->report,     "--buffer-ms", ear->buffer_ms,
        "--act-ms",   ear->act_ms,
    };
    const char *arguments[MAX_ARGUMENTS] = {ear->program};
    size_t count = 1 + put_nodes(ear, fleet, arguments + 1);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        arguments[count++] = words[i];
    if (scenario->topology.warm)
        arguments[count++] = "--warm";
    arguments[count] = NULL;
    const struct fleet_command command = {
        .arguments = arguments, .out_path = ear->out, .error_path = ear->log};
    return fleet_process_start(&command);
}

struct run_ear *run_ear_start(const struct scenario *scenario, const struct run_config *config,
                              const struct fleet *fleet)
{
    struct run_ear *ear = MEM_NEW(struct run_ear);
    pid_t pid = make_places(ear, scenario, config) ? start(ear, scenario, fleet) : 0;
    ear->pid = pid > 0 ? pid : 0;
    return ear;
}

void run_ear_tick(struct run_ear *ear)
{
    if (ear && ear->pid > 0 && fleet_process_reap(ear->pid))
        ear->pid = 0;
}

bool run_ear_is_playing(const struct run_ear *ear)
{
    return !ear || (ear->pid > 0 && access(ear->playing, F_OK) == 0);
}

bool run_ear_has_ended(const struct run_ear *ear) { return !ear || ear->pid == 0; }

const char *run_ear_why(const struct run_ear *ear)
{
    return ear->pid == 0 ? "it ended" : "no song within a minute";
}

void run_ear_stop(struct run_ear *ear)
{
    if (!ear || ear->is_stopping || ear->pid == 0)
        return;
    ear->is_stopping = true;
    (void)kill(ear->pid, SIGTERM);
}

static uint64_t number(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static void take_report(const json_t *root, struct evidence_ear *ret)
{
    const json_t *searches = json_object_get(root, "searches");
    const json_t *sign_ins = json_object_get(root, "signIns");
    const char *why = json_string_value(json_object_get(root, "why"));
    *ret = (struct evidence_ear){
        .heard_ms = number(root, "heardMs"),
        .silent_ms = number(root, "silentMs"),
        .gaps = number(root, "gaps"),
        .longest_gap_ms = number(root, "longestGapMs"),
        .heard_samples = number(root, "heardSamples"),
        .wrong_samples = number(root, "wrongSamples"),
        .moves = number(root, "moves"),
        .stopped_at_ms =
            json_object_get(root, "stoppedAtMs") ? number(root, "stoppedAtMs") : UINT64_MAX,
        .searches = number(searches, "tried"),
        .searches_failed = number(searches, "failed"),
        .sign_ins = number(sign_ins, "tried"),
        .sign_ins_failed = number(sign_ins, "failed"),
        .writes = number(root, "writes"),
        .writes_late = number(root, "writesLate"),
        .writes_lost = number(root, "writesLost"),
        .writes_doubled = number(root, "writesDoubled"),
    };
    ret->tried = ret->searches + ret->sign_ins + ret->writes + ret->writes_late;
    ret->failed = ret->searches_failed + ret->sign_ins_failed + ret->writes_late;
    ret->has_heard = why && ret->heard_samples > 0;
    (void)snprintf(ret->why, sizeof ret->why, "%s", why ? why : "its report is not whole");
}

void run_ear_close(struct run_ear **ear_p, struct evidence_ear *ret)
{
    struct run_ear *ear = *ear_p;
    struct buffer text;
    if (!ear)
        return;
    if (ear->pid > 0)
        (void)fleet_process_end(ear->pid, END_MS);
    buffer_init(&text, REPORT_BYTES);
    int error = file_read(AT_FDCWD, ear->report, &text);
    json_t *root = error == 0 ? json_loadb(text.data ? text.data : "", text.size, 0, NULL) : NULL;
    take_report(root, ret);
    json_decref(root);
    buffer_release(&text);
    mem_free_p(ear_p);
}
