// SPDX-License-Identifier: GPL-3.0-or-later
/* command_help: what --help says, and what is said to somebody who mistypes a command. */
#include "programs/command.h"

#include "programs/settings_check.h"
#include "programs/settings_sources.h"

enum { NAME_COLUMN = 40, WIDTH = 100, NEAR_EDITS = 3 };

static const struct entry {
    const char *heading; /* of what follows; then there is no command */
    const struct command *command;
} entries[] = {
#define GROUP(words) {words, NULL},
#define COMMAND(id) {NULL, &command_##id},
#include "programs/commands.def"
#undef COMMAND
};

static void list_one(FILE *out, const struct command *command)
{
    fprintf(out, "  %-15s %s\n", command->name, command->summary);
}

void command_list(FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        if (entries[i].command)
            list_one(out, entries[i].command);
        else
            fprintf(out, "%s%s\n", i ? "\n" : "", entries[i].heading);
    }
}

/* Whether it has two words and this is the first one. */
static bool begins(const struct command *command, const char *word)
{
    size_t size = strlen(word);
    return command && size > 0 && strncmp(command->name, word, size) == 0 &&
           command->name[size] == ' ';
}

bool command_is_group(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        if (begins(entries[i].command, word))
            return true;
    return false;
}

void command_list_group(FILE *out, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        if (begins(entries[i].command, word))
            list_one(out, entries[i].command);
}

const struct command *command_nearest(int argc, char *const *argv)
{
    const struct command *nearest = NULL;
    size_t least = NEAR_EDITS;
    for (int words = 1; words <= 2 && words <= argc; words++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s%s", argv[0], words == 2 ? " " : "",
                       words == 2 ? argv[1] : "");
        for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
            size_t edits = entries[i].command
                               ? word_distance(text_of(name), text_of(entries[i].command->name))
                               : SIZE_MAX;
            if (edits >= least || edits >= strlen(name))
                continue;
            least = edits;
            nearest = entries[i].command;
        }
    }
    return nearest;
}

/* --- options --- */

size_t command_options(const struct command *command, struct argument_option *ret_options)
{
    size_t count = 0, setting_options = 0;
    for (size_t i = 0; i < command->option_count; i++)
        ret_options[count++] = command->options[i];
    const struct argument_option *more = NULL;
    if (command->settings == COMMAND_SETTINGS_ALL)
        more = settings_options(&setting_options);
    else if (command->settings == COMMAND_SETTINGS_PLACE)
        more = settings_place_options(&setting_options);
    for (size_t i = 0; i < setting_options && count < COMMAND_OPTIONS_MAX - 2; i++)
        ret_options[count++] = more[i];
    ret_options[count++] = (struct argument_option){.name = "help", .help = "Show this."};
    if (command->often)
        ret_options[count++] =
            (struct argument_option){.name = "help-all", .help = "Show every setting, too."};
    return count;
}

/* Whether it is one of `words`, which spaces part. */
static bool is_among(const char *words, const char *name)
{
    struct text rest = text_of(words), one;
    while (text_split(&rest, ' ', &one))
        if (text_equal(one, text_of(name)))
            return true;
    return false;
}

static bool is_own(const struct command *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    return strcmp(name, "config") == 0 || strcmp(name, "help") == 0 ||
           strcmp(name, "help-all") == 0;
}

/* In lines that end before WIDTH, the first of which begins at NAME_COLUMN already. */
static void print_wrapped(FILE *out, const char *words)
{
    struct text rest = text_of(words), word;
    size_t column = NAME_COLUMN;
    while (text_split(&rest, ' ', &word)) {
        bool breaks = column > NAME_COLUMN && column + 1 + word.size > WIDTH;
        if (breaks)
            fprintf(out, "\n%*s", NAME_COLUMN - 1, "");
        column = breaks ? NAME_COLUMN : column;
        fprintf(out, " %.*s", TEXT_ARGS(word));
        column += 1 + word.size;
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct argument_option *option)
{
    char left[64];
    const char *value = option->implied ? "yes|no" : option->value;
    (void)snprintf(left, sizeof left, "--%s%s%s%s", option->name,
                   option->implied ? "[="
                   : value         ? " "
                                   : "",
                   value ? value : "", option->implied ? "]" : "");
    fprintf(out, "  %-*s", NAME_COLUMN - 3, left);
    if (strlen(left) > NAME_COLUMN - 3)
        fprintf(out, "\n%*s", NAME_COLUMN - 1, "");
    print_wrapped(out, option->help);
}

void command_help(const struct command *command, bool shows_all, FILE *out)
{
    struct argument_option options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    bool is_short = command->often && !shows_all;
    fprintf(out, "usage: sostenuto %s%s%s [OPTIONS]\n%s\n", command->name,
            command->arguments[0] ? " " : "", command->arguments, command->summary);
    if (command->about)
        fprintf(out, "\n%s", command->about);
    fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < count; i++)
        if (!is_short || is_own(command, options[i].name) ||
            is_among(command->often, options[i].name))
            print_option(out, &options[i]);
    if (is_short)
        fprintf(
            out,
            "\nThese are often needed; every setting of sostenuto.conf(5) is an option: sostenuto "
            "%s --help-all.\n",
            command->name);
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
