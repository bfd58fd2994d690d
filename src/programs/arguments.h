// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * arguments: argv as positionals and named options, by a table.
 *
 * --name value, --name=value, --switch, -h for --help, -- ends the options; --no-name says "no"
 * where a value may be left out.  Options may stand anywhere; of a repeated one all values are kept
 * in order.  Everything is borrowed from argv and the table.
 */
enum { ARGUMENTS_MAX = 128 };

struct argument_option {
    const char *name;  /* with dashes, without the leading two */
    const char *value; /* word for the value in the help; NULL for a switch */
    const char *help;
    const char *implied; /* what --name alone means, when a value may be left out; then only
                            --name=value gives one */
};

struct arguments {
    const char *positionals[ARGUMENTS_MAX];
    size_t positional_count;
    struct argument_given {
        const struct argument_option *option;
        const char *value; /* NULL for a switch */
    } given[ARGUMENTS_MAX];
    size_t given_count;
};

/* False with words in `why`: unknown option (with the nearest known), missing value, too many. */
bool arguments_parse(struct arguments *arguments, int argc, char *const *argv,
                     const struct argument_option *options, size_t option_count,
                     struct buffer *why) MUST_USE;
/* The last value given for that option, or NULL. */
const char *arguments_value(const struct arguments *arguments, const char *name);
bool arguments_has(const struct arguments *arguments, const char *name);
