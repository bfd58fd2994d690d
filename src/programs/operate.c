// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/operate.h"

#include "base/log.h"
#include "programs/control.h"
#include "programs/control_client.h"
#include "programs/edges_desk.h"
#include "programs/folder_role.h"
#include "programs/logging.h"
#include "programs/node.h"
#include "programs/operator.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"
#include <errno.h>
#include <unistd.h>

/* --- without a server --- */

struct offline {
    struct loop *loop;
    struct operator* operator;
    struct text line;
    struct buffer *answer;
    struct library *library; /* of a scan that is followed to its end */
    struct library_subscriber subscriber;
};

static void stop_when_idle(struct library_subscriber *subscriber, bool is_new_catalog)
{
    struct offline *offline = CONTAINER_OF(subscriber, struct offline, subscriber);
    struct library_status status;
    (void)is_new_catalog;
    library_status(offline->library, &status);
    if (status.phase == LIBRARY_IDLE)
        loop_stop(offline->loop);
}

/* A scan goes on after it was answered: stay until it ended, then say how. */
static void on_answer(void *context, struct text answer)
{
    struct offline *offline = context;
    buffer_reset(offline->answer);
    buffer_text(offline->answer, answer);
    if (!offline->library)
        loop_stop(offline->loop);
}

static void ask(void *context)
{
    struct offline *offline = context;
    operator_ask(offline->operator, offline->line, on_answer, offline);
}

static void run_offline(struct node *node, struct text line, struct buffer *answer)
{
    const struct edges_desk edges = {
        .keyfolder = node->keyfolder, .book = node->book, .settings = node->settings};
    const struct operator_config config = {.loop = node->loop,
                                           .edges = &edges,
                                           .state = node->state,
                                           .library = node->library,
                                           .passwords = node->passwords,
                                           .breached = node->breached,
                                           .keyfolder = node->keyfolder};
    struct offline offline = {.loop = node->loop,
                              .operator= operator_new(&config),
                              .line = line,
                              .answer = answer,
                              .library = node->library,
                              .subscriber = {.on_change = stop_when_idle}};
    if (node->library)
        library_subscribe(node->library, &offline.subscriber);
    loop_post(node->loop, ask, &offline);
    loop_run(node->loop);
    if (node->library) {
        library_unsubscribe(node->library, &offline.subscriber);
        operator_ask(offline.operator, TEXT("{\"do\":\"scan.status\"}"), on_answer, &offline);
    }
    operator_free(&offline.operator);
}

/* An account may be made before anything is served.  Everything else asks of what is there: where a
 * path was mistyped no folder is made, nor an empty backup. */
static bool is_there(const char *data, const struct operator_request *request, struct buffer *why)
{
    if (folder_role(data) != FOLDER_NONE || strcmp(request->verb, "user.add") == 0)
        return true;
    buffer_printf(why,
                  "there is no state folder %s; name that of the server with --data, as it was for "
                  "sostenuto serve",
                  data);
    return false;
}

static bool operate_offline(const struct settings *settings, struct text line,
                            enum operate_need need, struct buffer *answer, struct buffer *why)
{
    struct node node = {.lock_fd = -1};
    struct logging logging;
    struct settings quiet;
    settings_init(&quiet); /* this command's log is for errors only, whatever the server's is */
    quiet.log_level = LOG_ERROR;
    bool is_good = logging_init(&logging, &quiet, why) == 0;
    struct loop *loop = loop_new();
    is_good = is_good && privileges_settle(settings, &logging.logger, why) == 0 &&
              node_open(&node, settings, &logging.logger, loop, why) == 0 &&
              (need == OPERATE_STATE || node_open_library(&node, false, why) == 0);
    if (is_good)
        run_offline(&node, line, answer);
    node_close(&node);
    loop_free(&loop);
    logging_release(&logging);
    settings_release(&quiet);
    return is_good;
}

/* --- with one --- */

static bool operate_online(int fd, struct text line, struct buffer *answer, struct buffer *why)
{
    int error = control_client_ask(fd, line, answer);
    (void)close(fd);
    if (error < 0)
        buffer_printf(why, "the server did not answer: %.*s", TEXT_ARGS(log_errno(error)));
    return error == 0;
}

bool operate(const struct arguments *arguments, const struct operator_request *request,
             enum operate_need need, struct buffer *answer)
{
    struct settings settings;
    struct buffer why, line;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    buffer_init(&line, CONTROL_MAX_LINE_BYTES);
    operator_request_write(request, &line);
    bool is_done = settings_load(&settings, arguments, &why);
    if (is_done) {
        int fd = control_client_connect(settings.data);
        if (fd >= 0) {
            is_done = operate_online(fd, buffer_view(&line), answer, &why);
        } else if (fd == -ENOENT) {
            is_done = is_there(settings.data, request, &why) &&
                      operate_offline(&settings, buffer_view(&line), need, answer, &why);
        } else {
            buffer_printf(&why, "%s/control.sock: %.*s", settings.data, TEXT_ARGS(log_errno(fd)));
            is_done = false;
        }
    }
    if (!is_done)
        (void)command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    if (line.data)
        explicit_bzero(line.data, line.capacity);
    buffer_release(&line);
    buffer_release(&why);
    settings_release(&settings);
    return is_done;
}

json_t *operate_and_read(const struct arguments *arguments, const struct operator_request *request)
{
    struct buffer answer;
    json_t *root = NULL;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    if (operate(arguments, request, OPERATE_STATE, &answer)) {
        root = json_loadb(answer.data, answer.size, 0, NULL);
        const char *error = json_string_value(json_object_get(root, "error"));
        if (!json_is_true(json_object_get(root, "ok"))) {
            (void)command_fail(COMMAND_FAILED, "%s",
                               error ? error : "the answer was not understood");
            json_decref(root);
            root = NULL;
        }
    }
    if (answer.data)
        explicit_bzero(answer.data, answer.capacity);
    buffer_release(&answer);
    return root;
}

enum command_exit operate_and_say(const struct arguments *arguments,
                                  const struct operator_request *request)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    enum command_exit code = COMMAND_FAILED;
    if (operate(arguments, request, OPERATE_STATE, &answer)) {
        json_t *root = json_loadb(answer.data, answer.size, 0, NULL);
        const char *said = json_string_value(json_object_get(root, "said")),
                   *error = json_string_value(json_object_get(root, "error"));
        if (json_is_true(json_object_get(root, "ok"))) {
            printf("%s\n", said ? said : "done");
            code = COMMAND_OK;
        } else {
            code =
                command_fail(COMMAND_FAILED, "%s", error ? error : "the answer was not understood");
        }
        json_decref(root);
    }
    buffer_release(&answer);
    return code;
}
