// SPDX-License-Identifier: GPL-3.0-or-later
/* upgrade: the running server is followed by what is installed now, and no listener notices. */
#include "programs/control.h"
#include "programs/control_client.h"
#include "programs/operate.h"
#include "programs/settings_sources.h"
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

enum { TRIES = 1000, FIND_TRIES = 10, TRY_AGAIN_US = 100 * 1000 };

/* Asks the server alone: a folder that nobody serves has nothing to upgrade.  NULL: no answer. */
static json_t *ask(const char *data, struct text line)
{
    struct buffer answer;
    json_t *root = NULL;
    int fd = control_client_connect(data);
    if (fd < 0)
        return NULL;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    if (control_client_ask(fd, line, &answer) == 0)
        root = json_loadb(answer.data, answer.size, 0, NULL);
    buffer_release(&answer);
    (void)close(fd);
    return root;
}

/* Of the server; 0 while there is none. */
static long long find_pid(const char *data, char *ret_version, size_t capacity)
{
    json_t *root = ask(data, TEXT("{\"do\":\"status\"}"));
    const char *version = json_string_value(json_object_get(root, "version"));
    long long pid = (long long)json_integer_value(json_object_get(root, "pid"));
    (void)snprintf(ret_version, capacity, "%s", version ? version : "?");
    json_decref(root);
    return pid;
}

static enum command_exit await_other(const char *data, long long before)
{
    char version[64];
    for (int i = 0; i < TRIES; i++) {
        long long pid = find_pid(data, version, sizeof version);
        if (pid != 0 && pid != before) {
            printf("upgraded: sostenuto %s serves as process %lld\n", version, pid);
            return COMMAND_OK;
        }
        (void)usleep(TRY_AGAIN_US);
    }
    return command_fail(COMMAND_FAILED, "no new process came; its log says why");
}

static enum command_exit upgrade(const char *data)
{
    char version[64];
    long long before = find_pid(data, version, sizeof version);
    for (int i = 0; before == 0 && i < FIND_TRIES; i++) { /* it may be changing just now */
        (void)usleep(TRY_AGAIN_US);
        before = find_pid(data, version, sizeof version);
    }
    if (before == 0)
        return command_fail(COMMAND_FAILED, "no server runs on %s", data);
    json_t *root = ask(data, TEXT("{\"do\":\"upgrade\"}"));
    const char *error = json_string_value(json_object_get(root, "error"));
    /* No answer: it gave way before it could say so. */
    enum command_exit code =
        error ? command_fail(COMMAND_FAILED, "not upgraded: %s", error) : await_other(data, before);
    json_decref(root);
    return code;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code =
        settings_load(&settings, arguments, &why)
            ? upgrade(settings.data)
            : command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

const struct command command_upgrade = {
    .name = "upgrade",
    .arguments = "",
    .summary = "Let the program that is installed now take over from the running server.",
    .about = "No request is dropped: idle connections move, running answers end. A program that "
             "does not start is refused, and the running one goes on.\n",
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
