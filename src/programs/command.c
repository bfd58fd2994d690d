// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/command.h"

#include <stdarg.h>

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
    struct argument_option options[COMMAND_OPTIONS_MAX];
    struct arguments arguments;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    size_t option_count = command_options(command, options);
    bool is_parsed = arguments_parse(&arguments, argc, argv, options, option_count, &why);
    enum command_exit code = COMMAND_OK;
    if (is_parsed && (arguments_has(&arguments, "help") || arguments_has(&arguments, "help-all")))
        command_help(command, arguments_has(&arguments, "help-all"), stdout);
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
