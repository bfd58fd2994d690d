// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings_sources.h"

#include "base/mem.h"
#include "programs/settings_file.h"
#include <assert.h>
#include <limits.h>
#include <unistd.h>

extern char **environ;

enum { NAME_MAX_BYTES = 48, OPTIONS_MAX = 192 };
static const char environment_prefix[] = "SOSTENUTO_";

/* Variables with our prefix that are no settings. */
static const char *const other_variables[] = {"CONFIG", "FAULT_BOARD", "GUARDS_OFF", "MEDIA_WORKER",
                                              "SUBSONIC_PASSWORD"};

static const struct argument_option config_option = {"config", "FILE",
                                                     "Read this configuration file.", NULL};

static char *replaced(const char *words, char from, char to)
{
    char *copy = mem_strdup(words);
    for (char *at = copy; *at; at++)
        *at = *at == from ? to : *at;
    return copy;
}

static char *dashed(const char *name) { return replaced(name, '_', '-'); }

/* What it does, and what it is when nobody says. */
static char *help_of(const struct setting *setting)
{
    struct buffer words;
    buffer_init(&words, SIZE_MAX);
    buffer_printf(&words, "%s", setting->help);
    if (setting->default_text[0])
        buffer_printf(&words, " Default: %s.", setting->default_text);
    buffer_append(&words, "", 1); /* the terminating NUL */
    char *help = mem_strdup(words.data);
    buffer_release(&words);
    return help;
}

static const char *value_word(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_KIND_NUMBER:
        return "N";
    case SETTING_KIND_SWITCH:
        return "yes|no";
    case SETTING_KIND_CHOICE:
        return replaced(setting->choices, ' ', '|');
    case SETTING_KIND_TEXT:
    case SETTING_KIND_LIST:
        break;
    }
    switch (setting->check) {
    case CHECK_ADDRESS:
    case CHECK_NODES:
        return "ADDR:PORT";
    case CHECK_NODE_ADDRESS:
        return "HOST:PORT";
    case CHECK_TOKEN:
        return "TOKEN";
    case CHECK_PATH:
    case CHECK_LIBRARY:
        return "PATH";
    case CHECK_URL:
    case CHECK_DATABASE:
        return "URL";
    default:
        return "NAME";
    }
}

const struct argument_option *settings_options(size_t *ret_count)
{
    /* Built once and kept for the life of the process: a constant table that C cannot spell. */
    static struct argument_option options[OPTIONS_MAX];
    static size_t count;
    if (count == 0) {
        assert(setting_count() < OPTIONS_MAX);
        for (size_t i = 0; i < setting_count(); i++) {
            const struct setting *setting = setting_at(i);
            options[i] = (struct argument_option){
                .name = dashed(setting->name),
                .value = value_word(setting),
                .help = help_of(setting),
                .implied = setting->kind == SETTING_KIND_SWITCH ? "yes" : NULL,
            };
        }
        count = setting_count();
        options[count++] = config_option;
    }
    *ret_count = count;
    return options;
}

const struct argument_option *settings_place_options(size_t *ret_count)
{
    static const struct argument_option options[] = {
        {"data", "PATH", "State folder of the server.", NULL},
        {"config", "FILE", "Read this configuration file.", NULL},
        {"database", "URL", "State of record that the server shares with others.", NULL},
    };
    *ret_count = ARRAY_SIZE(options);
    return options;
}

/* --- the environment --- */

struct variable {
    char name[sizeof environment_prefix + NAME_MAX_BYTES];
};

static const char *variable_of(const char *setting_name, struct variable *ret)
{
    int size = snprintf(ret->name, sizeof ret->name, "%s%s", environment_prefix, setting_name);
    assert(size > 0 && (size_t)size < sizeof ret->name);
    for (char *at = ret->name; *at; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    return ret->name;
}

static const char *environment_value(const char *setting_name)
{
    struct variable variable;
    return getenv(variable_of(setting_name, &variable));
}

static bool is_known_variable(struct text name)
{
    char lower[NAME_MAX_BYTES];
    for (size_t i = 0; i < ARRAY_SIZE(other_variables); i++)
        if (text_equal(name, text_of(other_variables[i])))
            return true;
    if (name.size >= sizeof lower)
        return false;
    for (size_t i = 0; i < name.size; i++)
        lower[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] - 'A' + 'a')
                                                              : name.data[i];
    return setting_named(text_make(lower, name.size)) != NULL;
}

/* A typo must not pass in silence, and another program's variable must not keep us from starting.
 */
static void warn_of_unknown_variables(void)
{
    for (char **entry = environ; *entry; entry++) {
        struct text name = text_of(*entry);
        if (!text_starts(name, text_of(environment_prefix)))
            continue;
        size_t equals = text_find_byte(name, '=');
        name.size = equals == SIZE_MAX ? name.size : equals;
        if (!is_known_variable(text_from(name, sizeof environment_prefix - 1)))
            fprintf(stderr, "sostenuto: environment: %.*s is no setting and is ignored\n",
                    TEXT_ARGS(name));
    }
}

/* A token of the command line has moved to the environment (programs/edge.c): it is named where it
 * was typed. */
static void say_variable(const struct arguments *arguments, const char *setting_name,
                         struct buffer *why)
{
    struct variable variable;
    bool was_flag = arguments_has(arguments, setting_name);
    buffer_printf(why, " (in %s%s)", was_flag ? "--" : "",
                  was_flag ? setting_name : variable_of(setting_name, &variable));
}

static bool take_environment(struct settings *settings, const struct arguments *arguments,
                             struct buffer *why)
{
    warn_of_unknown_variables();
    for (size_t i = 0; i < setting_count(); i++) {
        const char *name = setting_at(i)->name, *value = environment_value(name);
        if (value && !settings_set(settings, setting_at(i), text_of(value), why)) {
            say_variable(arguments, name, why);
            return false;
        }
    }
    return true;
}

/* --- flags --- */

/* A list flag that is given several times means all its values, as if commas stood between them. */
static bool set_list_from_flags(struct settings *settings, const struct arguments *arguments,
                                const struct setting *setting, const char *flag, struct buffer *why)
{
    struct buffer all;
    buffer_init(&all, SIZE_MAX);
    for (size_t i = 0; i < arguments->given_count; i++)
        if (strcmp(arguments->given[i].option->name, flag) == 0)
            buffer_printf(&all, "%s,", arguments->given[i].value);
    bool is_good = settings_set(settings, setting, buffer_view(&all), why);
    buffer_release(&all);
    return is_good;
}

static bool take_flags(struct settings *settings, const struct arguments *arguments,
                       struct buffer *why)
{
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *setting = setting_at(i);
        char *flag = dashed(setting->name);
        const char *value = arguments_value(arguments, flag);
        bool is_good = !value || (setting->kind == SETTING_KIND_LIST
                                      ? set_list_from_flags(settings, arguments, setting, flag, why)
                                      : settings_set(settings, setting, text_of(value), why));
        if (!is_good)
            buffer_printf(why, " (in --%s)", flag);
        mem_free(flag);
        if (!is_good)
            return false;
    }
    return true;
}

/* --- the state folder and the file in it --- */

static char *default_data_folder(void)
{
    const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    char path[PATH_MAX];
    if (systemd && systemd[0] == '/' && !strchr(systemd, ':'))
        return mem_strdup(systemd);
    if (geteuid() == 0 || !home || home[0] != '/')
        return mem_strdup("/var/lib/sostenuto");
    if (xdg && xdg[0] == '/')
        (void)snprintf(path, sizeof path, "%s/sostenuto", xdg);
    else
        (void)snprintf(path, sizeof path, "%s/.local/state/sostenuto", home);
    return mem_strdup(path);
}

static const char *given_data(const struct arguments *arguments)
{
    const char *flag = arguments_value(arguments, "data");
    return flag ? flag : environment_value("data");
}

void settings_file_path(const struct arguments *arguments, const char *data, char *ret_path,
                        size_t capacity)
{
    const char *named = arguments_value(arguments, "config");
    if (!named)
        named = environment_value("config");
    if (named) {
        (void)snprintf(ret_path, capacity, "%s", named);
        return;
    }
    (void)snprintf(ret_path, capacity, "%s/sostenuto.conf", data);
    if (access(ret_path, F_OK) != 0)
        ret_path[0] = '\0';
}

bool settings_load(struct settings *settings, const struct arguments *arguments, struct buffer *why)
{
    settings_init(settings);
    char path[PATH_MAX];
    const char *given = given_data(arguments);
    char *fallback = given && given[0] ? mem_strdup(given) : default_data_folder();
    settings_file_path(arguments, fallback, path, sizeof path);
    bool is_good = (!path[0] || settings_read_file(settings, path, why)) &&
                   take_environment(settings, arguments, why) &&
                   take_flags(settings, arguments, why);
    if (is_good && !settings->data[0])
        is_good = settings_set(settings, setting_named(TEXT("data")), text_of(fallback), why);
    mem_free(fallback);
    return is_good;
}

bool settings_want_supervisor(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    bool is_wanted = settings_load(&settings, arguments, &why) && settings.supervisor;
    settings_release(&settings);
    buffer_release(&why);
    return is_wanted;
}

bool settings_take_folders(struct settings *settings, const struct arguments *arguments,
                           struct buffer *why)
{
    struct text folders[SETTINGS_LIST_MAX + 1];
    size_t count = arguments->positional_count;
    for (size_t i = 0; i < count && i <= SETTINGS_LIST_MAX; i++)
        folders[i] = text_of(arguments->positionals[i]);
    return count == 0 ||
           settings_set_list(settings, setting_named(TEXT("library")), folders, count, why);
}
