// SPDX-License-Identifier: GPL-3.0-or-later
/* app add, list, remove: the per-app secrets by which OpenSubsonic apps sign in. */
#include "programs/control.h"
#include "programs/operate.h"
#include <time.h>

static json_t *ask(const struct arguments *arguments, const char *verb)
{
    struct operator_request request = {.verb = (char *)(uintptr_t)verb,
                                       .name = (char *)(uintptr_t)arguments->positionals[0],
                                       .label = (char *)(uintptr_t)(arguments->positional_count > 1
                                                                        ? arguments->positionals[1]
                                                                        : NULL)};
    return operate_and_read(arguments, &request);
}

/* Only the secret goes to standard output: scripts take it from there. */
static enum command_exit add(const struct arguments *arguments)
{
    json_t *root = ask(arguments, "app.add");
    const char *secret = json_string_value(json_object_get(root, "secret"));
    if (secret) {
        fprintf(stderr,
                "shown once; in the app: user name \"%s\", and this as password or API key\n",
                arguments->positionals[0]);
        printf("%s\n", secret);
    }
    enum command_exit code = secret ? COMMAND_OK : COMMAND_FAILED;
    json_decref(root);
    return code;
}

static void show_day(json_int_t unix_ms, char out[16])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm when;
    if (unix_ms <= 0 || !gmtime_r(&seconds, &when) || strftime(out, 16, "%Y-%m-%d", &when) == 0)
        (void)snprintf(out, 16, "-");
}

static enum command_exit list(const struct arguments *arguments)
{
    json_t *root = ask(arguments, "app.list"), *app;
    size_t i;
    json_array_foreach(json_object_get(root, "apps"), i, app)
    {
        char created[16];
        show_day(json_integer_value(json_object_get(app, "created_ms")), created);
        printf("%s  %s  %s\n", json_string_value(json_object_get(app, "id")), created,
               json_string_value(json_object_get(app, "label")));
    }
    enum command_exit code = root ? COMMAND_OK : COMMAND_FAILED;
    json_decref(root);
    return code;
}

static enum command_exit remove_app(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "app.remove",
                                       .name = (char *)(uintptr_t)arguments->positionals[0],
                                       .label = (char *)(uintptr_t)arguments->positionals[1]};
    return operate_and_say(arguments, &request);
}

const struct command command_app_add = {
    .name = "app add",
    .arguments = "NAME LABEL",
    .summary = "Make a secret with which an app signs in as NAME, and print it.",
    .about = "LABEL is for people: \"Symfonium on my phone\". The secret works as password and as "
             "API key of that app.\n",
    .least_positionals = 2,
    .most_positionals = 2,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = add};

const struct command command_app_list = {.name = "app list",
                                         .arguments = "NAME",
                                         .summary = "Show the apps of an account: id, day, label.",
                                         .least_positionals = 1,
                                         .most_positionals = 1,
                                         .settings = COMMAND_SETTINGS_PLACE,
                                         .run = list};

const struct command command_app_remove = {.name = "app remove",
                                           .arguments = "NAME LABEL",
                                           .summary =
                                               "Make an app's secret worthless; LABEL or id.",
                                           .least_positionals = 2,
                                           .most_positionals = 2,
                                           .settings = COMMAND_SETTINGS_PLACE,
                                           .run = remove_app};
