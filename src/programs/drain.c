// SPDX-License-Identifier: GPL-3.0-or-later
/* drain: listeners move to other nodes before this one is stopped. */
#include "programs/drain.h"

#include "programs/command.h"
#include "programs/control.h"
#include "programs/control_client.h"
#include "programs/settings_sources.h"

#include <jansson.h>
#include <unistd.h>

/* --- the server's side --- */

bool drain_asked(struct control_request *request, struct text line, bool *drains)
{
    json_t *root = json_loadb(line.data ? line.data : "", line.size, JSON_REJECT_DUPLICATES, NULL);
    const char *verb = json_string_value(json_object_get(root, "do"));
    const json_t *on = json_object_get(root, "on");
    bool is_ours = verb && text_equal(text_of(verb), TEXT("drain")) && json_is_boolean(on);
    if (is_ours) {
        *drains = json_is_true(on);
        control_answer(request, TEXT("{\"ok\":true}"));
    }
    json_decref(root);
    return is_ours;
}

/* --- the command's --- */

static enum command_exit ask(const char *data, bool is_on)
{
    struct buffer answer;
    int fd = control_client_connect(data);
    if (fd < 0)
        return command_fail(COMMAND_FAILED, "no server runs on %s", data);
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    struct text line =
        is_on ? TEXT("{\"do\":\"drain\",\"on\":true}") : TEXT("{\"do\":\"drain\",\"on\":false}");
    json_t *root = control_client_ask(fd, line, &answer) == 0
                       ? json_loadb(answer.data, answer.size, 0, NULL)
                       : NULL;
    bool is_done = json_is_true(json_object_get(root, "ok"));
    json_decref(root);
    buffer_release(&answer);
    (void)close(fd);
    if (!is_done)
        return command_fail(COMMAND_FAILED, "the server did not answer");
    printf("%s\n", is_on
                       ? "draining: it serves on, and says that it wants no new listeners; stop it "
                         "when they have moved"
                       : "a node like others again");
    return COMMAND_OK;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code =
        settings_load(&settings, arguments, &why)
            ? ask(settings.data, !arguments_has(arguments, "undo"))
            : command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

static const struct argument_option options[] = {
    {"undo", NULL, "Be a node like others again.", NULL},
};

const struct command command_drain = {
    .name = "drain",
    .arguments = "",
    .summary = "Let listeners move to other nodes before this one is stopped.",
    .about = "The server goes on serving; /readyz answers 503 and /status says that it drains, so "
             "that load balancers,\nthe zone's writer and players choose other nodes.\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
