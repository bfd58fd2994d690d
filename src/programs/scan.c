// SPDX-License-Identifier: GPL-3.0-or-later
/* scan: look for changes in the music folders and follow it to its end. */
#include "programs/control.h"
#include "programs/operate.h"
#include <jansson.h>
#include <unistd.h>

enum { POLL_US = 200 * 1000 };

/* NULL after the failure was printed. */
static json_t *ask(const struct arguments *arguments, const struct operator_request *request,
                   enum operate_need need)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    json_t *root = NULL;
    if (operate(arguments, request, need, &answer))
        root = json_loadb(answer.data, answer.size, 0, NULL);
    buffer_release(&answer);
    if (root && !json_is_true(json_object_get(root, "ok"))) {
        const char *error = json_string_value(json_object_get(root, "error"));
        (void)command_fail(COMMAND_FAILED, "%s", error ? error : "the answer was not understood");
        json_decref(root);
        return NULL;
    }
    return root;
}

static long long number(const json_t *scan, const char *name)
{
    return (long long)json_integer_value(json_object_get(scan, name));
}

static void show_end(const json_t *scan)
{
    json_t *problems = json_object_get(scan, "problems"), *problem;
    size_t i;
    printf("%lld files, %lld changed, %lld removed, %lld tracks, %lld could not be used\n",
           number(scan, "seen"), number(scan, "changed"), number(scan, "removed"),
           number(scan, "tracks"), number(scan, "failed"));
    json_array_foreach(problems, i, problem)
        printf("  %s: %s\n", json_string_value(json_object_get(problem, "path")),
               json_string_value(json_object_get(problem, "reason")));
    if (number(scan, "failed") > (long long)json_array_size(problems))
        printf("  and %lld more\n", number(scan, "failed") - (long long)json_array_size(problems));
    if (number(scan, "removal_refused") > 0)
        printf("%lld files seem gone, which is a fifth of a library or more; they are kept. If "
               "they are really gone:\n"
               "  sostenuto scan --allow-removal\n",
               number(scan, "removal_refused"));
}

/* 1 while it runs, 0 when it ended, -1 when nobody answers. */
static int poll_once(const struct arguments *arguments, long long asked_ms, bool is_terminal)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "scan.status"};
    json_t *root = ask(arguments, &request, OPERATE_STATE), *scan = json_object_get(root, "scan");
    int result = root ? 1 : -1;
    if (root && json_is_true(json_object_get(scan, "idle")) &&
        number(scan, "finished_ms") >= asked_ms) {
        if (is_terminal)
            printf("\r\033[K");
        show_end(scan);
        result = 0;
    } else if (root && is_terminal) {
        printf("\r\033[K%s: %lld files, %lld changed",
               json_string_value(json_object_get(scan, "phase")), number(scan, "seen"),
               number(scan, "changed"));
        (void)fflush(stdout);
    }
    json_decref(root);
    return result;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "scan",
                                       .is_full = arguments_has(arguments, "full"),
                                       .allows_removal = arguments_has(arguments, "allow-removal")};
    json_t *root = ask(arguments, &request, OPERATE_SCAN);
    if (!root)
        return COMMAND_FAILED;
    long long asked_ms = number(root, "asked_ms");
    const json_t *scan = json_object_get(root, "scan"); /* there when it has ended already */
    if (scan)
        show_end(scan);
    bool is_over = scan || arguments_has(arguments, "background");
    json_decref(root);
    if (is_over)
        return COMMAND_OK;
    int state;
    while ((state = poll_once(arguments, asked_ms, isatty(STDOUT_FILENO) == 1)) == 1)
        usleep(POLL_US);
    return state == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static const struct argument_option options[] = {
    {.name = "full", .help = "Read every file again, not only those that changed."},
    {.name = "allow-removal", .help = "Believe that a fifth or more of a library is really gone."},
    {.name = "background", .help = "Do not wait for its end."},
};

const struct command command_scan = {
    .name = "scan",
    .arguments = "",
    .summary = "Look for changes in the music folders.",
    .about = "Without a running server the folders are those of the configuration (library).\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
