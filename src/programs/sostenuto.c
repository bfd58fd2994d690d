// SPDX-License-Identifier: GPL-3.0-or-later
/* sostenuto: finds the command that argv names and runs it. */
#include "base/guard.h"
#include "io/fault_point.h"
#include "programs/command.h"

static enum command_exit show_usage(FILE *out, enum command_exit code)
{
    fprintf(out, "usage: sostenuto COMMAND [ARGUMENTS]\n\n");
    command_list(out);
    fprintf(out, "\nsostenuto COMMAND --help says more; the manual is sostenuto(1).\n");
    return code;
}

static enum command_exit show_version(const struct arguments *arguments)
{
    (void)arguments;
    printf("sostenuto %s\n", SOSTENUTO_VERSION);
    return COMMAND_OK;
}

const struct command command_version = {
    .name = "version", .arguments = "", .summary = "Print the version.", .run = show_version};

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* "user" and no known word behind it: what there is. */
static enum command_exit show_group(int argc, char *const *argv)
{
    if (argc > 1 && is_help(argv[1])) {
        command_list_group(stdout, argv[0]);
        return COMMAND_OK;
    }
    if (argc > 1)
        (void)command_fail(COMMAND_USAGE, "there is no command \"%s %s\", but there are", argv[0],
                           argv[1]);
    else
        (void)command_fail(COMMAND_USAGE, "\"%s\" wants a word more", argv[0]);
    command_list_group(stderr, argv[0]);
    return COMMAND_USAGE;
}

static enum command_exit show_unknown(int argc, char *const *argv)
{
    const struct command *nearest = command_nearest(argc, argv);
    if (nearest)
        return command_fail(COMMAND_USAGE,
                            "there is no command \"%s\"; did you mean \"%s\"? sostenuto --help "
                            "shows them all",
                            argv[0], nearest->name);
    return command_fail(COMMAND_USAGE,
                        "there is no command \"%s\"; sostenuto --help shows them all", argv[0]);
}

/* "help user add" is "user add --help". */
static enum command_exit show_help(int argc, char *const *argv)
{
    int words = 0;
    const struct command *command = command_find(argc, argv, &words);
    if (command && words == argc) {
        command_help(command, false, stdout);
        return COMMAND_OK;
    }
    if (!command_is_group(argv[0]))
        return show_unknown(argc, argv);
    command_list_group(stdout, argv[0]);
    return COMMAND_OK;
}

static enum command_exit dispatch(int argc, char *const *argv)
{
    int words = 0;
    if (argc < 1)
        return show_usage(stderr, COMMAND_USAGE);
    if (is_help(argv[0]))
        return argc > 1 ? show_help(argc - 1, argv + 1) : show_usage(stdout, COMMAND_OK);
    if (strcmp(argv[0], "--version") == 0)
        return show_version(NULL);
    const struct command *command = command_find(argc, argv, &words);
    if (command)
        return command_run(command, argc - words, argv + words);
    return command_is_group(argv[0]) ? show_group(argc, argv) : show_unknown(argc, argv);
}

#ifdef SOSTENUTO_DRILLS
static bool take_guards(void)
{
    const char *names = getenv("SOSTENUTO_GUARDS_OFF");
    struct text unknown = TEXT_NONE;
    if (!names || guards_switch_off(text_of(names), &unknown))
        return true;
    (void)command_fail(COMMAND_USAGE, "SOSTENUTO_GUARDS_OFF: there is no guard \"%.*s\"",
                       TEXT_ARGS(unknown));
    return false;
}

static bool take_faults(void)
{
    const char *path = getenv("SOSTENUTO_FAULT_BOARD");
    if (!path || fault_points_obey(path))
        return true;
    (void)command_fail(COMMAND_USAGE, "SOSTENUTO_FAULT_BOARD: %s is no board of faults", path);
    return false;
}
#else
static bool take_guards(void) { return true; }
static bool take_faults(void) { return true; }
#endif

int main(int argc, char **argv)
{
    if (!take_guards() || !take_faults())
        return COMMAND_USAGE;
    enum command_exit code = dispatch(argc - 1, argv + 1);
    if (fflush(stdout) != 0 && code == COMMAND_OK)
        code = command_fail(COMMAND_FAILED, "standard output cannot be written");
    return (int)code;
}
