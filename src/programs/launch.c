// SPDX-License-Identifier: GPL-3.0-or-later
/* launch plan: songs lie at all edges before everybody asks for them. */
#include "programs/control.h"
#include "programs/operate.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_US = 500 * 1000 };

static long long number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static const char *words(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static bool is_done(const json_t *root)
{
    const json_t *edges = json_object_get(root, "edges"), *edge;
    bool is_done = json_array_size(edges) > 0;
    size_t i;
    json_array_foreach(edges, i, edge) is_done =
        is_done && json_is_true(json_object_get(edge, "done"));
    return is_done;
}

static double mb(const json_t *edge, const char *name) { return (double)number(edge, name) / 1e6; }

static void show_edge(const json_t *edge, bool is_end)
{
    printf(is_end ? "%-24s %lld of %lld songs" : "%s %lld of %lld", words(edge, "name"),
           number(edge, "placed"), number(edge, "wanted"));
    if (number(edge, "of_bytes") > 0)
        printf(is_end ? ", %.1f of %.1f MB" : " (%.1f of %.1f MB)", mb(edge, "bytes"),
               mb(edge, "of_bytes"));
    printf(is_end ? "\n" : "  ");
}

/* On one line, over itself, while it goes on; a line each at the end. */
static void show(const json_t *root, bool is_end)
{
    const json_t *edges = json_object_get(root, "edges"), *edge;
    size_t i;
    json_array_foreach(edges, i, edge) show_edge(edge, is_end);
    (void)fflush(stdout);
}

/* 1: go on; 0: all have all; -1: nobody answers, or another plan is there. */
static int look(const struct arguments *arguments, long long plan, bool is_terminal)
{
    const struct operator_request request = {.verb = (char *)(uintptr_t) "launch.status"};
    json_t *root = operate_and_read(arguments, &request);
    int result = -1;
    if (root && number(root, "number") != plan)
        (void)command_fail(COMMAND_FAILED, "another plan has taken its place");
    else if (root)
        result = !is_done(root);
    if (is_terminal)
        printf("\r\033[K");
    if (result == 0 || (result == 1 && is_terminal))
        show(root, result == 0);
    json_decref(root);
    return result;
}

static enum command_exit follow(const struct arguments *arguments, long long plan)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    int state;
    while ((state = look(arguments, plan, is_terminal)) == 1)
        usleep(POLL_US);
    return state == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static enum command_exit run(const struct arguments *arguments)
{
    char *path = realpath(arguments->positionals[0], NULL);
    if (!path)
        return command_fail(COMMAND_FAILED, "%s cannot be read: %s", arguments->positionals[0],
                            strerrordesc_np(errno));
    const struct operator_request request = {.verb = (char *)(uintptr_t) "launch.plan",
                                             .path = path};
    json_t *root = operate_and_read(arguments, &request);
    free(path);
    if (!root)
        return COMMAND_FAILED;
    long long plan = number(root, "number");
    size_t edges = json_array_size(json_object_get(root, "edges"));
    printf("%lld songs for %zu edge%s\n", number(root, "tracks"), edges, edges == 1 ? "" : "s");
    (void)fflush(stdout);
    json_decref(root);
    if (edges == 0)
        return command_fail(COMMAND_FAILED, "no edge has joined; see sostenuto invite");
    return arguments_has(arguments, "background") ? COMMAND_OK : follow(arguments, plan);
}

static const struct argument_option options[] = {
    {.name = "background", .help = "Do not wait until all edges have everything."},
};

const struct command command_launch_plan = {
    .name = "launch plan",
    .arguments = "FILE",
    .summary = "Place songs at all edges before their release.",
    .about =
        "FILE names what will be asked for by everybody at once, one a line: the id of a song or\n"
        "an album, or a path beneath a music folder, of a song or of a folder;\n"
        "\"at 2026-11-27T00:00:00Z\" says when; # begins a comment. All edges fetch it now,\n"
        "before what their own listeners may want. Shows how far each is, in songs and bytes, and\n"
        "ends with 0 only when every edge that is welcome has everything. Another plan takes the\n"
        "place of this one. Needs the running server.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
