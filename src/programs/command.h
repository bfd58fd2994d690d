// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/arguments.h"
#include "programs/settings.h"

/*
 * command: one thing that `sostenuto` does, such as "serve" or "user add".
 *
 * A command file defines one or more `struct command`s; commands.def lists them; sostenuto.c finds
 * the one that argv names, parses the rest by its table, answers --help and calls run().
 */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,
    COMMAND_AGAIN = 75, /* EX_TEMPFAIL: a server wants to begin anew; its supervisor starts it */
};

enum command_settings {
    COMMAND_SETTINGS_NONE,  /* knows nothing of a state folder */
    COMMAND_SETTINGS_PLACE, /* --data and --config only */
    COMMAND_SETTINGS_ALL,   /* every setting is a flag */
};

struct command {
    const char *name;                      /* one or two words */
    const char *arguments;                 /* for the usage line, "NAME" */
    const char *summary;                   /* one line for the list of commands */
    const char *about;                     /* further lines of --help; NULL for none */
    const struct argument_option *options; /* its own, beside --help and the settings */
    size_t option_count;
    size_t least_positionals, most_positionals;
    enum command_settings settings;
    /* Of COMMAND_SETTINGS_ALL: the options of settings that --help shows, spaces between;
     * --help-all shows all.  NULL: --help shows all. */
    const char *often;
    enum command_exit (*run)(const struct arguments *arguments);
};

#define COMMAND(id) extern const struct command command_##id;
#include "programs/commands.def"
#undef COMMAND

/* NULL when nothing is called that.  *ret_words says how many of argv the name took. */
const struct command *command_find(int argc, char *const *argv, int *ret_words);
/* Parses what follows the name, answers --help and --help-all, runs. */
enum command_exit command_run(const struct command *command, int argc, char *const *argv);
/* "sostenuto: " and the message on standard error, then `code`. */
enum command_exit command_fail(enum command_exit code, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- command_help: what is said of them --- */

void command_list(FILE *out); /* all commands with their summaries, under their headings */
/* Whether commands of two words begin with this one, such as "user", and all of these. */
bool command_is_group(const char *word);
void command_list_group(FILE *out, const char *word);
/* The command that was meant by a name of up to two words that there is not; NULL when none is
 * near. */
const struct command *command_nearest(int argc, char *const *argv);
/* Usage, about, options: all of them, or those that are often needed. */
void command_help(const struct command *command, bool shows_all, FILE *out);
enum { COMMAND_OPTIONS_MAX = 192 };
/* The command's own options, those of its settings, and --help, in one table. */
size_t command_options(const struct command *command, struct argument_option *ret_options);
