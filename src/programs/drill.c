// SPDX-License-Identifier: GPL-3.0-or-later
/* drill: breaks a server on purpose while virtual listeners listen, and tells what they heard. */
#include "base/mem.h"
#include "base/timestamp.h"
#include "drills/report.h"
#include "drills/run.h"
#include "drills/run_load.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/command.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_SCENARIOS = 100,
    MAX_ROWS = MAX_SCENARIOS * (SCENARIO_MAX_LIST + 1),
    MAX_OPEN_FOLDERS = 16,
};

/* Everything of one call of the command. */
struct session {
    const struct arguments *arguments;
    char program[PATH_MAX], folder[PATH_MAX], library_cache[PATH_MAX + 16];
    struct scenario *scenarios[MAX_SCENARIOS];
    size_t scenario_count;
    struct fleet_space space;
    struct report_row rows[MAX_ROWS];
    struct evidence *evidence[MAX_ROWS];
    struct score *scores[MAX_ROWS];
    size_t row_count;
    struct score_total total;
    FILE *plan;   /* NULL: nobody asked for it */
    bool is_good; /* all survived, every twin noticed */
};

static volatile sig_atomic_t is_cancelled; /* by a signal, which has no other way to say it */

static void on_signal(int number UNUSED) { is_cancelled = 1; }

/* --- before and after --- */

static bool read_scenarios(struct session *session)
{
    struct buffer why;
    buffer_init(&why, SCENARIO_WHY_MAX_BYTES);
    const struct arguments *arguments = session->arguments;
    for (size_t i = 0; i < arguments->positional_count && why.size == 0; i++) {
        struct scenario *scenario = scenario_read(arguments->positionals[i], &why);
        if (scenario)
            session->scenarios[session->scenario_count++] = scenario;
    }
    bool is_good = why.size == 0;
    if (!is_good)
        (void)command_fail(COMMAND_USAGE, "%.*s", TEXT_ARGS(buffer_view(&why)));
    buffer_release(&why);
    return is_good;
}

/* Guards and fault points are there in a -Ddrills build only. */
static bool can_switch_guards(const struct session *session)
{
#ifdef SOSTENUTO_DRILLS
    (void)session;
    return true;
#else
    return arguments_has(session->arguments, "server");
#endif
}

static bool find_program(struct session *session)
{
    const char *given = arguments_value(session->arguments, "server");
    ssize_t size = given ? 0 : readlink("/proc/self/exe", session->program, PATH_MAX - 1);
    bool is_found = given ? realpath(given, session->program) != NULL : size > 0;
    if (is_found && !given)
        session->program[size] = '\0';
    return is_found && access(session->program, X_OK) == 0;
}

static bool make_folder(struct session *session)
{
    const char *parent = getenv("TMPDIR");
    int size = snprintf(session->folder, sizeof session->folder, "%s/sostenuto-drill-XXXXXX",
                        parent && parent[0] == '/' ? parent : "/tmp");
    if (size < 0 || (size_t)size >= sizeof session->folder - 64 || !mkdtemp(session->folder)) {
        session->folder[0] = '\0';
        return false;
    }
    (void)snprintf(session->library_cache, sizeof session->library_cache, "%s/libraries",
                   session->folder);
    return mkdir(session->library_cache, 0700) == 0;
}

static int remove_one(const char *path, const struct stat *status UNUSED, int kind UNUSED,
                      struct FTW *place UNUSED)
{
    (void)remove(path);
    return 0;
}

static void remove_folder(const char *folder)
{
    (void)nftw(folder, remove_one, MAX_OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void session_free(struct session **session_p)
{
    struct session *session = *session_p;
    for (size_t i = 0; i < session->row_count; i++) {
        evidence_release(session->evidence[i]);
        mem_free(session->evidence[i]);
        mem_free(session->scores[i]);
    }
    if (session->plan)
        (void)fclose(session->plan);
    for (size_t i = 0; i < session->scenario_count; i++)
        scenario_free(&session->scenarios[i]);
    if (session->folder[0] && !arguments_has(session->arguments, "keep"))
        remove_folder(session->folder);
    mem_free_p(session_p);
}

/* --- runs --- */

/* A good one of the same load, from an earlier scenario; a bad one is made again. */
static const struct evidence_control *find_control(const struct session *session,
                                                   const struct scenario *scenario)
{
    for (size_t i = 0; i + 1 < session->row_count; i++) {
        const struct evidence_control *control = &session->evidence[i]->control;
        if (control->has_run && control->kept_up && control->plays_failed == 0 &&
            run_control_is_same(session->rows[i].scenario, scenario))
            return control;
    }
    return NULL;
}

static void run_one(struct session *session, const struct scenario *scenario,
                    const char *without_guard)
{
    char folder[PATH_MAX + 32];
    size_t at = session->row_count++;
    struct evidence *evidence = session->evidence[at] = MEM_NEW(struct evidence);
    struct score *score = session->scores[at] = MEM_NEW(struct score);
    (void)snprintf(folder, sizeof folder, "%s/%zu", session->folder, at);
    (void)mkdir(folder, 0700);
    const struct run_config config = {
        .program = session->program,
        .folder = folder,
        .library_cache = session->library_cache,
        .guards_off = without_guard,
        .space = session->space,
        .is_cancelled = &is_cancelled,
        .skips_control = without_guard || arguments_has(session->arguments, "no-control"),
        .control = without_guard ? NULL : find_control(session, scenario),
        .plan = session->plan,
        .story = arguments_has(session->arguments, "story") ? stdout : NULL,
    };
    run_scenario(scenario, &config, evidence);
    score_judge(scenario, evidence, score);
    session->rows[at] = (struct report_row){scenario, evidence, score, without_guard};
    report_terminal_row(&session->rows[at], stdout);
    session->is_good &= report_is_good(&session->rows[at]);
    if (!without_guard && !scenario->about.waits_for)
        score_add(&session->total, scenario, score);
    if (!arguments_has(session->arguments, "keep"))
        remove_folder(folder);
}

static void run_all(struct session *session)
{
    const char *without = arguments_value(session->arguments, "without-guard");
    bool has_twins = arguments_has(session->arguments, "twins");
    report_terminal_head(stdout);
    for (size_t i = 0; i < session->scenario_count && !is_cancelled; i++) {
        const struct scenario *scenario = session->scenarios[i];
        const struct scenario_list *guards = &scenario->about.guards;
        run_one(session, scenario, without);

        for (size_t twin = 0;
             has_twins && !scenario->about.waits_for && twin < guards->count && !is_cancelled;
             twin++)
            run_one(session, scenario, guards->items[twin]);
    }
    score_sum(&session->total);
}

/* --- the score card --- */

typedef void write_report(const struct report *report, struct buffer *out);

static bool write_card(const char *path, write_report *write, const struct report *report)
{
    if (!path)
        return true;
    struct buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    write(report, &out);
    int error =
        out.overflowed ? -EFBIG : file_write_atomic(AT_FDCWD, path, buffer_view(&out), 0644);
    buffer_release(&out);
    if (error < 0)
        (void)command_fail(COMMAND_FAILED, "%s: %.*s", path, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

static bool write_cards(struct session *session, uint64_t took_ms)
{
    struct timestamp_text storage;
    struct text when = timestamp_rfc3339(&storage, clock_unix_ms());
    const struct report report = {.rows = session->rows,
                                  .row_count = session->row_count,
                                  .total = &session->total,
                                  .version = SOSTENUTO_VERSION,
                                  .when = when.data, /* NUL-terminated in its storage */
                                  .has_space = session->space.has_network,
                                  .took_ms = took_ms};
    report_terminal_total(&report, stdout);
    bool is_written =
        write_card(arguments_value(session->arguments, "json"), report_json, &report) &&
        write_card(arguments_value(session->arguments, "html"), report_html, &report);
    return is_written;
}

static bool open_plan(struct session *session)
{
    const char *path = arguments_value(session->arguments, "plan");
    session->plan = path ? fopen(path, "we") : NULL;
    if (path && !session->plan)
        (void)command_fail(COMMAND_FAILED, "%s: %.*s", path, TEXT_ARGS(log_errno(errno)));
    return !path || session->plan;
}

static enum command_exit run_session(struct session *session)
{
    uint64_t begin_us = clock_monotonic_us();
    bool wants_guards = arguments_has(session->arguments, "twins") ||
                        arguments_has(session->arguments, "without-guard");
    if (wants_guards && !can_switch_guards(session))
        return command_fail(COMMAND_USAGE,
                            "guards can be switched off in a drills build only: "
                            "script/build drills, then build/drills/sostenuto drill");
    if (!read_scenarios(session))
        return COMMAND_USAGE;
    if (!find_program(session) || !make_folder(session)) /* while /proc names things by our root */
        return command_fail(COMMAND_FAILED, "no program to run, or no temporary folder: %.*s",
                            TEXT_ARGS(log_errno(errno)));
    session->space = fleet_space_enter();
    if (!open_plan(session))
        return COMMAND_FAILED;
    run_all(session);
    bool is_written = write_cards(session, (clock_monotonic_us() - begin_us) / 1000);
    if (arguments_has(session->arguments, "keep"))
        printf("everything is kept in %s\n", session->folder);
    return session->is_good && is_written && !is_cancelled ? COMMAND_OK : COMMAND_FAILED;
}

static enum command_exit show_keys(void)
{
    struct buffer out;
    buffer_init(&out, SCENARIO_MAX_BYTES);
    scenario_describe(&out);
    printf("%.*s", TEXT_ARGS(buffer_view(&out)));
    buffer_release(&out);
    return COMMAND_OK;
}

static enum command_exit run(const struct arguments *arguments)
{
    const struct sigaction action = {.sa_handler = on_signal};
    if (arguments_has(arguments, "keys"))
        return show_keys();
    if (arguments->positional_count == 0)
        return command_fail(COMMAND_USAGE, "drill needs a scenario, such as drills/*.drill");
    struct session *session = MEM_NEW(struct session);
    session->arguments = arguments;
    session->is_good = true;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    enum command_exit code = run_session(session);
    session_free(&session);
    return code;
}

static const struct argument_option options[] = {
    {.name = "json", .value = "FILE", .help = "Write the score card as JSON."},
    {.name = "html", .value = "FILE", .help = "Write it as one page with plots."},
    {.name = "twins",
     .help = "Run each scenario again without each guard that it names: it must fail then."},
    {.name = "without-guard", .value = "NAME", .help = "Run without that guard."},
    {.name = "server", .value = "FILE", .help = "The sostenuto to break; default: this one."},
    {.name = "no-control", .help = "Leave out the control run against a null server."},
    {.name = "keys", .help = "List every key of a scenario file, and every kind of fault."},
    {.name = "plan",
     .value = "FILE",
     .help = "Write what each listener decides and when faults come: the same for the same seed."},
    {.name = "story", .help = "Tell what breaks and what the ear hears, as it happens."},
    {.name = "keep", .help = "Keep state folders and logs, and say where."},
};

const struct command command_drill = {
    .name = "drill",
    .arguments = "[FILE...]",
    .summary = "Break a server on purpose while virtual listeners listen.",
    .about = "FILE is a scenario (docs/formats/drill.md). A server of its own is started, in a\n"
             "network of its own where possible; nothing that runs already is touched. Exit code\n"
             "0: every scenario survived.\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .most_positionals = MAX_SCENARIOS,
    .settings = COMMAND_SETTINGS_NONE,
    .run = run,
};
