// SPDX-License-Identifier: GPL-3.0-or-later
/* sostenuto: finds the command that argv names and runs it. */
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

int main(int argc, char **argv)
{
    int words = 0;
    if (argc < 2)
        return show_usage(stderr, COMMAND_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return show_usage(stdout, COMMAND_OK);
    if (strcmp(argv[1], "--version") == 0)
        return show_version(NULL);
    const struct command *command = command_find(argc - 1, argv + 1, &words);
    if (!command) {
        (void)command_fail(COMMAND_USAGE, "there is no command \"%s\"", argv[1]);
        return show_usage(stderr, COMMAND_USAGE);
    }
    enum command_exit code = command_run(command, argc - 1 - words, argv + 1 + words);
    if (fflush(stdout) != 0 && code == COMMAND_OK)
        return command_fail(COMMAND_FAILED, "standard output cannot be written");
    return code;
}
