// SPDX-License-Identifier: GPL-3.0-or-later
/* edge purge: what an edge holds of a URL, a folder or a tag is asked for anew. */
#include "programs/command.h"
#include "programs/control.h"
#include "programs/control_client.h"
#include "programs/settings_sources.h"

#include <jansson.h>
#include <unistd.h>

/* "http://host:port/path" as host and target; without a scheme nothing is meant. */
static bool split_url(const char *url, struct text *ret_host, struct text *ret_target)
{
    struct text rest = text_of(url);
    if (text_starts_nocase(rest, TEXT("http://")))
        rest = text_from(rest, 7);
    else if (text_starts_nocase(rest, TEXT("https://")))
        rest = text_from(rest, 8);
    else
        return false;
    size_t slash = text_find_byte(rest, '/');
    *ret_host = slash == SIZE_MAX ? rest : text_make(rest.data, slash);
    *ret_target = slash == SIZE_MAX ? TEXT("/") : text_from(rest, slash);
    return ret_host->size > 0;
}

static json_t *request_of(const struct arguments *arguments)
{
    const char *url = arguments_value(arguments, "url"),
               *prefix = arguments_value(arguments, "prefix"),
               *tag = arguments_value(arguments, "tag");
    struct text host, target;
    if (!!url + !!prefix + !!tag != 1)
        return NULL;
    if (tag)
        return json_pack("{s:s, s:s}", "do", "edge.purge", "tag", tag);
    if (!split_url(url ? url : prefix, &host, &target) || (prefix && !text_ends(target, TEXT("/"))))
        return NULL;
    return json_pack("{s:s, s:s%, s:s%}", "do", "edge.purge", "host", host.data, host.size,
                     url ? "target" : "prefix", target.data, target.size);
}

static enum command_exit say(const struct buffer *answer)
{
    json_t *root = json_loadb(answer->data, answer->size, 0, NULL);
    const char *error = json_string_value(json_object_get(root, "error"));
    enum command_exit code = COMMAND_OK;
    if (!json_is_true(json_object_get(root, "ok")))
        code = command_fail(COMMAND_FAILED, "%s", error ? error : "the answer was not understood");
    else
        printf("purged: it is asked for anew, and still helps when no origin answers\n");
    json_decref(root);
    return code;
}

static enum command_exit ask(const char *data, json_t *request)
{
    struct buffer answer;
    char *line = json_dumps(request, JSON_COMPACT);
    int fd = control_client_connect(data);
    if (fd < 0) {
        free(line);
        return command_fail(COMMAND_FAILED, "no edge runs on %s", data);
    }
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    enum command_exit code = control_client_ask(fd, text_of(line), &answer) == 0
                                 ? say(&answer)
                                 : command_fail(COMMAND_FAILED, "the edge went away");
    buffer_release(&answer);
    (void)close(fd);
    free(line);
    return code;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    json_t *request = request_of(arguments);
    if (!request)
        return command_fail(COMMAND_USAGE, "one of --url URL, --prefix URL/ and --tag TAG");
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code =
        settings_load(&settings, arguments, &why)
            ? ask(settings.data, request)
            : command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    settings_release(&settings);
    buffer_release(&why);
    json_decref(request);
    return code;
}

static const struct argument_option options[] = {
    {"url", "URL", "What is held of this very URL, all its variants.", NULL},
    {"prefix", "URL/", "All below this folder.", NULL},
    {"tag", "TAG", "All that came with this tag in Cache-Tag, Surrogate-Key or xkey.", NULL},
};

const struct command command_edge_purge = {
    .name = "edge purge",
    .arguments = "",
    .summary = "Have an edge ask anew for what it holds.",
    .about =
        "It takes effect at once, however much it is about; nothing is deleted, so that it still "
        "helps when no origin answers.\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
