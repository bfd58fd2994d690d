// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/arguments.h"

#include "programs/settings_check.h"

static const struct argument_option *find_option(const struct argument_option *options,
                                                 size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(name, text_of(options[i].name)))
            return &options[i];
    return NULL;
}

static void say_unknown(const struct argument_option *options, size_t count, struct text name,
                        struct buffer *why)
{
    const char *nearest = NULL;
    size_t least = 4;
    for (size_t i = 0; i < count; i++) {
        size_t edits = word_distance(name, text_of(options[i].name));
        if (edits < least) {
            least = edits;
            nearest = options[i].name;
        }
    }
    buffer_printf(why, "there is no option --%.*s", TEXT_ARGS(name));
    if (nearest)
        buffer_printf(why, "; did you mean --%s?", nearest);
}

/* Takes the option at argv[*at], and its value from argv[*at + 1] when it needs one. */
static bool take_option(struct arguments *arguments, int argc, char *const *argv, int *at,
                        const struct argument_option *options, size_t count, struct buffer *why)
{
    const char *word = strcmp(argv[*at], "-h") == 0 ? "--help" : argv[*at];
    struct text name = text_of(word + 2);
    const char *value = NULL;
    size_t equals = text_find_byte(name, '=');
    if (equals != SIZE_MAX) {
        value = name.data + equals + 1;
        name.size = equals;
    }
    const struct argument_option *option = find_option(options, count, name);
    if (!option && text_starts(name, TEXT("no-")) && !value) {
        option = find_option(options, count, text_from(name, 3));
        option = option && option->implied ? option : NULL;
        value = "no";
    }
    if (!option) {
        say_unknown(options, count, name, why);
        return false;
    }
    if (!option->value && value) {
        buffer_printf(why, "--%s takes no value", option->name);
        return false;
    }
    if (option->implied && !value)
        value = option->implied;
    if (option->value && !value) {
        if (*at + 1 >= argc) {
            buffer_printf(why, "--%s needs a value: --%s %s", option->name, option->name,
                          option->value);
            return false;
        }
        value = argv[++*at];
    }
    arguments->given[arguments->given_count++] = (struct argument_given){option, value};
    return true;
}

bool arguments_parse(struct arguments *arguments, int argc, char *const *argv,
                     const struct argument_option *options, size_t option_count, struct buffer *why)
{
    *arguments = (struct arguments){.positional_count = 0};
    bool options_over = false;
    for (int i = 0; i < argc; i++) {
        if (arguments->positional_count == ARGUMENTS_MAX ||
            arguments->given_count == ARGUMENTS_MAX) {
            buffer_printf(why, "at most %d arguments", ARGUMENTS_MAX);
            return false;
        }
        if (!options_over && strcmp(argv[i], "--") == 0)
            options_over = true;
        else if (!options_over && (strncmp(argv[i], "--", 2) == 0 || strcmp(argv[i], "-h") == 0)) {
            if (!take_option(arguments, argc, argv, &i, options, option_count, why))
                return false;
        } else
            arguments->positionals[arguments->positional_count++] = argv[i];
    }
    return true;
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    for (size_t i = arguments->given_count; i > 0; i--)
        if (strcmp(arguments->given[i - 1].option->name, name) == 0)
            return arguments->given[i - 1].value;
    return NULL;
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->given_count; i++)
        if (strcmp(arguments->given[i].option->name, name) == 0)
            return true;
    return false;
}
