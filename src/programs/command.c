// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/command.h"

#include "programs/settings_sources.h"
#include <stdarg.h>

enum { OPTIONS_MAX = 192 };

static const struct command *const commands[] = {
#define COMMAND(id) &command_##id,
#include "programs/commands.def"
#undef COMMAND
};

const struct command *command_find(int argc, char *const *argv, int *ret_words)
{
    for (int words = argc < 2 ? argc : 2; words > 0; words--) {
        char name[64];
        int size = words == 2 ? snprintf(name, sizeof name, "%s %s", argv[0], argv[1])
                              : snprintf(name, sizeof name, "%s", argv[0]);
        for (size_t i = 0; size > 0 && (size_t)size < sizeof name && i < ARRAY_SIZE(commands);
             i++) {
            if (strcmp(commands[i]->name, name) == 0) {
                *ret_words = words;
                return commands[i];
            }
        }
    }
    return NULL;
}

void command_list(FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(out, "  %-15s %s\n", commands[i]->name, commands[i]->summary);
}

/* The command's own options, those of its settings, and --help, in one table. */
static size_t gather_options(const struct command *command, struct argument_option *options)
{
    size_t count = 0, setting_options = 0;
    for (size_t i = 0; i < command->option_count; i++)
        options[count++] = command->options[i];
    const struct argument_option *more = NULL;
    if (command->settings == COMMAND_SETTINGS_ALL)
        more = settings_options(&setting_options);
    else if (command->settings == COMMAND_SETTINGS_PLACE)
        more = settings_place_options(&setting_options);
    for (size_t i = 0; i < setting_options && count < OPTIONS_MAX - 1; i++)
        options[count++] = more[i];
    options[count++] = (struct argument_option){.name = "help", .help = "Show this."};
    return count;
}

void command_help(const struct command *command, FILE *out)
{
    struct argument_option options[OPTIONS_MAX];
    size_t count = gather_options(command, options);
    fprintf(out, "usage: sostenuto %s%s%s [OPTIONS]\n%s\n", command->name,
            command->arguments[0] ? " " : "", command->arguments, command->summary);
    if (command->about)
        fprintf(out, "\n%s", command->about);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < count; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", options[i].name,
                       options[i].implied ? "[="
                       : options[i].value ? " "
                                          : "",
                       options[i].implied ? "yes|no]"
                       : options[i].value ? options[i].value
                                          : "");
        fprintf(out, "  %-36s %s\n", left, options[i].help);
    }
    if (command->settings == COMMAND_SETTINGS_ALL)
        fprintf(
            out,
            "\nEach option but --config and --help is also a key of sostenuto.conf and, in "
            "capitals with\n"
            "underscores, an environment variable: --log-level, log_level, SOSTENUTO_LOG_LEVEL.\n"
            "A list takes commas between its items, or the option several times; the command "
            "line's list\n"
            "replaces that of environment and file.\n");
}

enum command_exit command_fail(enum command_exit code, const char *format, ...)
{
    va_list arguments;
    fputs("sostenuto: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

enum command_exit command_run(const struct command *command, int argc, char *const *argv)
{
    struct argument_option options[OPTIONS_MAX];
    struct arguments arguments;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    size_t option_count = gather_options(command, options);
    bool is_parsed = arguments_parse(&arguments, argc, argv, options, option_count, &why);
    enum command_exit code = COMMAND_OK;
    if (is_parsed && arguments_has(&arguments, "help"))
        command_help(command, stdout);
    else if (!is_parsed)
        code = command_fail(COMMAND_USAGE, "%s: %.*s", command->name, TEXT_ARGS(buffer_view(&why)));
    else if (arguments.positional_count < command->least_positionals ||
             arguments.positional_count > command->most_positionals)
        code =
            command_fail(COMMAND_USAGE, "usage: sostenuto %s %s [OPTIONS]; see sostenuto %s --help",
                         command->name, command->arguments, command->name);
    else
        code = command->run(&arguments);
    buffer_release(&why);
    return code;
}
