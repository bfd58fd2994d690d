// SPDX-License-Identifier: GPL-3.0-or-later
/* check-config: reads a configuration as `serve` would and says what is wrong, or what it amounts
 * to. */
#include "programs/command.h"
#include "programs/settings_file.h"
#include "programs/settings_sources.h"
#include "trust/breached.h"

static void show_settings(const struct settings *settings, bool all)
{
    struct settings defaults;
    struct buffer shown;
    settings_init(&defaults);
    buffer_init(&shown, SIZE_MAX);
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *setting = setting_at(i);
        if (!all && setting_same(setting, settings, &defaults))
            continue;
        buffer_reset(&shown);
        setting_show(setting, settings, &shown);
        printf("%s = %.*s\n", setting->name, TEXT_ARGS(buffer_view(&shown)));
    }
    buffer_release(&shown);
    settings_release(&defaults);
}

/* What `serve` would only complain of. */
static bool is_list_good(const struct settings *settings, struct buffer *why)
{
    struct breached *breached = NULL;
    char words[BREACHED_WHY_BYTES];
    if (!settings->breached_passwords[0] ||
        breached_open(settings->breached_passwords, &breached, words) == 0) {
        breached_close(&breached);
        return true;
    }
    buffer_printf(why, "breached_passwords: %s", words);
    return false;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    bool is_good = false;
    if (arguments->positional_count == 1) {
        settings_init(&settings);
        is_good = settings_read_file(&settings, arguments->positionals[0], &why);
    } else {
        is_good = settings_load(&settings, arguments, &why);
    }
    enum command_exit code = COMMAND_OK;
    is_good = is_good && is_list_good(&settings, &why);
    if (is_good) {
        show_settings(&settings, arguments_has(arguments, "all"));
        fprintf(stderr, "the configuration is good\n");
    } else {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

static const struct argument_option options[] = {
    {.name = "all", .help = "Show every setting, not only those that differ."}};

const struct command command_check_config = {
    .name = "check-config",
    .arguments = "[FILE]",
    .summary = "Check a configuration and show what it sets.",
    .about =
        "Without FILE: what `serve` would use now, from defaults, file, environment and flags.\n"
        "Settings that differ from their default are printed. Exit code 1 and file:line on an "
        "error.\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_ALL,
    .often = "data",
    .run = run,
};
