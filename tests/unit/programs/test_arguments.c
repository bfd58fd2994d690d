// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/arguments.h"

#include "tap.h"

static const struct argument_option options[] = {
    {.name = "data", .value = "PATH"},
    {.name = "admin"},
    {.name = "watch", .value = "yes|no", .implied = "yes"},
};

static struct arguments arguments;
static struct buffer why;

static bool parse(const char *a, const char *b, const char *c)
{
    char *argv[] = {(char *)(uintptr_t)a, (char *)(uintptr_t)b, (char *)(uintptr_t)c};
    int argc = 3;
    while (argc > 0 && !argv[argc - 1])
        argc--;
    buffer_reset(&why);
    return arguments_parse(&arguments, argc, argv, options, ARRAY_SIZE(options), &why);
}

static struct text value(const char *name) { return text_of(arguments_value(&arguments, name)); }

int main(void)
{
    buffer_init(&why, 1024);
    OK(parse("--data", "/x", "bob") && arguments.positional_count == 1,
       "an option takes the next word as its value");
    OK_TEXT(value("data"), TEXT("/x"), "and keeps it");
    OK(parse("--data=/y", "--admin", NULL) && arguments_has(&arguments, "admin"),
       "= works too, and switches need none");
    OK(parse("--data=1", "--data=2", NULL), "an option may be repeated");
    OK_TEXT(value("data"), TEXT("2"), "the last one counts");
    OK(parse("--watch", "no", NULL) && arguments.positional_count == 1,
       "an implied value does not eat the next word");
    OK_TEXT(value("watch"), TEXT("yes"), "alone it means yes");
    OK(parse("--no-watch", NULL, NULL), "--no- is accepted for such an option");
    OK_TEXT(value("watch"), TEXT("no"), "and means no");
    OK(!parse("--no-data", NULL, NULL), "but not for others");
    OK(parse("--", "--admin", NULL) && arguments.positional_count == 1, "-- ends the options");
    OK(!parse("--data", NULL, NULL), "a missing value is an error");
    OK(!parse("--admin=1", NULL, NULL), "a value for a switch is an error");
    OK(!parse("--adnin", NULL, NULL), "an unknown option is an error");
    OK_TEXT(buffer_view(&why), TEXT("there is no option --adnin; did you mean --admin?"),
            "with the nearest known one");
    buffer_release(&why);
    return tap_done();
}
