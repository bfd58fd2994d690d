// SPDX-License-Identifier: GPL-3.0-or-later
/* user add, list, remove, password, role: the accounts of a node, while it runs or not. */
#include "programs/control.h"
#include "programs/operate.h"
#include "programs/password_prompt.h"
#include <jansson.h>

/* For verbs that carry a password. */
static enum command_exit with_password(const struct arguments *arguments, const char *verb,
                                       bool is_admin)
{
    struct buffer password, why;
    buffer_init(&password, PASSWORD_PROMPT_MAX_BYTES + 1);
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code;
    if (!password_prompt(arguments_value(arguments, "password-file"), &password, &why)) {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    } else {
        buffer_append(&password, "", 1); /* the terminating NUL */
        struct operator_request request = {.verb = (char *)(uintptr_t)verb,
                                           .name = (char *)(uintptr_t)arguments->positionals[0],
                                           .password = password.data,
                                           .is_admin = is_admin};
        code = operate_and_say(arguments, &request);
    }
    if (password.data)
        explicit_bzero(password.data, password.capacity);
    buffer_release(&password);
    buffer_release(&why);
    return code;
}

static enum command_exit add(const struct arguments *arguments)
{
    return with_password(arguments, "user.add", arguments_has(arguments, "admin"));
}

static enum command_exit change_password(const struct arguments *arguments)
{
    return with_password(arguments, "user.password", false);
}

static enum command_exit remove_user(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "user.remove",
                                       .name = (char *)(uintptr_t)arguments->positionals[0]};
    return operate_and_say(arguments, &request);
}

static enum command_exit role(const struct arguments *arguments)
{
    const char *wanted = arguments->positionals[1];
    if (strcmp(wanted, "admin") != 0 && strcmp(wanted, "listener") != 0)
        return command_fail(COMMAND_USAGE, "a role is admin or listener");
    struct operator_request request = {.verb = (char *)(uintptr_t) "user.role",
                                       .name = (char *)(uintptr_t)arguments->positionals[0],
                                       .is_admin = wanted[0] == 'a'};
    return operate_and_say(arguments, &request);
}

static enum command_exit list(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "user.list"};
    json_t *root = operate_and_read(arguments, &request), *user;
    bool is_done = root;
    size_t i;
    json_array_foreach(json_object_get(root, "users"), i, user)
        printf("%-24s %-9s%s  %lld apps\n", json_string_value(json_object_get(user, "name")),
               json_is_true(json_object_get(user, "admin")) ? "admin" : "listener",
               json_is_true(json_object_get(user, "disabled")) ? " (disabled)" : "",
               (long long)json_integer_value(json_object_get(user, "apps")));
    json_decref(root);
    return is_done ? COMMAND_OK : COMMAND_FAILED;
}

#define PASSWORD_FILE                                                                             \
    {                                                                                             \
        .name = "password-file", .value = "FILE",                                                 \
        .help = "Read the password from its first line; - is standard input. Else you are asked." \
    }

static const struct argument_option add_options[] = {
    {.name = "admin", .help = "May manage users, libraries and scans."}, PASSWORD_FILE};
static const struct argument_option password_options[] = {PASSWORD_FILE};

const struct command command_user_add = {.name = "user add",
                                         .arguments = "NAME",
                                         .summary = "Make an account.",
                                         .options = add_options,
                                         .option_count = ARRAY_SIZE(add_options),
                                         .least_positionals = 1,
                                         .most_positionals = 1,
                                         .settings = COMMAND_SETTINGS_PLACE,
                                         .run = add};

const struct command command_user_list = {.name = "user list",
                                          .arguments = "",
                                          .summary = "Show the accounts.",
                                          .settings = COMMAND_SETTINGS_PLACE,
                                          .run = list};

const struct command command_user_remove = {
    .name = "user remove",
    .arguments = "NAME",
    .summary = "Remove an account with its apps, sessions, stars and playlists.",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = remove_user};

const struct command command_user_password = {.name = "user password",
                                              .arguments = "NAME",
                                              .summary = "Change a password.",
                                              .options = password_options,
                                              .option_count = ARRAY_SIZE(password_options),
                                              .least_positionals = 1,
                                              .most_positionals = 1,
                                              .settings = COMMAND_SETTINGS_PLACE,
                                              .run = change_password};

const struct command command_user_role = {.name = "user role",
                                          .arguments = "NAME admin|listener",
                                          .summary = "Make somebody an admin, or no longer one.",
                                          .least_positionals = 2,
                                          .most_positionals = 2,
                                          .settings = COMMAND_SETTINGS_PLACE,
                                          .run = role};
