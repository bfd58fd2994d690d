// SPDX-License-Identifier: GPL-3.0-or-later
/* keys list, rotate, revoke: the keys that sign what this node says. */
#include "programs/control.h"
#include "programs/operate.h"
#include <jansson.h>
#include <time.h>

static void show_time(const json_t *object, const char *name, char out[24])
{
    time_t seconds = (time_t)json_integer_value(json_object_get(object, name));
    struct tm when;
    if (!gmtime_r(&seconds, &when) || strftime(out, 24, "%Y-%m-%d %H:%M", &when) == 0)
        (void)snprintf(out, 24, "-");
}

static void show(const json_t *keys)
{
    char from[24], until[24];
    size_t i;
    const json_t *key;
    printf("root         %s%s\n", json_string_value(json_object_get(keys, "root")),
           json_is_true(json_object_get(keys, "has_root")) ? "" : "  (its key is away)");
    json_array_foreach(json_object_get(keys, "list"), i, key)
    {
        show_time(key, "from_s", from);
        show_time(key, "until_s", until);
        printf("%s  %s to %s UTC%s\n", json_string_value(json_object_get(key, "id")), from, until,
               json_is_true(json_object_get(key, "signs")) ? "  signs now" : "");
    }
    show_time(keys, "next_rotation_s", from);
    printf("%s  %s UTC\n",
           json_is_true(json_object_get(keys, "is_due")) ? "OVERDUE    " : "next       ", from);
}

static enum command_exit list(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "keys.list"};
    struct buffer answer;
    enum command_exit code = COMMAND_FAILED;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    if (operate(arguments, &request, OPERATE_STATE, &answer)) {
        json_t *root = json_loadb(answer.data, answer.size, 0, NULL);
        const json_t *keys = json_object_get(root, "keys");
        const char *error = json_string_value(json_object_get(root, "error"));
        code = keys ? COMMAND_OK
                    : command_fail(COMMAND_FAILED, "%s",
                                   error ? error : "the answer was not understood");
        if (keys)
            show(keys);
        json_decref(root);
    }
    buffer_release(&answer);
    return code;
}

static enum command_exit rotate(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "keys.rotate"};
    return operate_and_say(arguments, &request);
}

static enum command_exit revoke(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "keys.revoke",
                                       .name = (char *)(uintptr_t)arguments->positionals[0]};
    return operate_and_say(arguments, &request);
}

const struct command command_keys_list = {
    .name = "keys list",
    .arguments = "",
    .summary = "Show the root key's fingerprint and the signing keys.",
    .settings = COMMAND_SETTINGS_PLACE,
    .run = list};

const struct command command_keys_rotate = {
    .name = "keys rotate",
    .arguments = "",
    .summary = "Make the next signing key now.",
    .about = "It is published at once and signs after a day; the old key verifies until it ends. "
             "This happens by itself every 60 days. Needs keys/root.key.\n",
    .settings = COMMAND_SETTINGS_PLACE,
    .run = rotate};

const struct command command_keys_revoke = {
    .name = "keys revoke",
    .arguments = "ID",
    .summary = "Let nothing that a signing key signed be believed any more.",
    .about = "For a key that somebody else may have. Access tokens and grants signed by it end at "
             "once; players renew them by themselves. Needs keys/root.key.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = revoke};
