// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/loop.h"

/*
 * control: the socket in the state folder by which the owner's commands reach a running server.
 *
 * STATE/control.sock, mode 0600; SO_PEERCRED must be our own user or root.  One line in, one line
 * out, one request at a time per connection.  It has a thread and a loop of its own, so a server
 * whose main loop is busy still answers: a request that the main loop has not taken up within
 * CONTROL_PATIENCE_US is answered "busy" and never carried out.  Lines are opaque here;
 * programs/operator gives them meaning.
 *
 *   control thread:  accept → read a line ──post──▶ main loop: handler … control_answer ──post──▶
 * write the line
 */
enum {
    CONTROL_MAX_CONNECTIONS = 8, /* more are closed at accept */
    CONTROL_MAX_LINE_BYTES = 64 * 1024,
    CONTROL_MAX_ANSWER_BYTES = 8 * 1024 * 1024,
    CONTROL_PATIENCE_US = 3 * 1000 * 1000,
    CONTROL_IDLE_US = 60 * 1000 * 1000, /* without a whole line, or without taking an answer */
};
#define CONTROL_BUSY_ANSWER \
    "{\"ok\":false,\"error\":\"the server is too busy to answer; try again\"}"

struct control;
struct control_request;

/* On the main loop; must lead to exactly one control_answer(), now or later.  `line` is valid until
 * then. */
typedef void control_handler(void *context, struct control_request *request, struct text line);

/* Replaces a stale socket file (the caller holds the folder's lock).  0 or -errno. */
int control_start(const char *state_folder, struct loop *main_loop, const struct logger *logger,
                  control_handler *handler, void *context, struct control **ret) MUST_USE;
/* On the main thread.  Requests not yet answered may still be, without effect.  Removes the file.
 */
void control_stop(struct control **control);

/* On the main loop; copies. */
void control_answer(struct control_request *request, struct text line);
