// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "programs/settings.h"
#include <pthread.h>

/*
 * logging: where lines go: events to standard error, one line a request to a file or standard
 * output.
 *
 * Events are written whole by one writev each, so threads and processes do not mix them; lines of
 * requests come many at once and are written one batch after another.  A file that cannot be
 * written never stops the server: the lines are lost and the loss is counted (access_log_lost), and
 * what follows begins on a line of its own.
 */
struct logging {
    struct logger logger; /* hand this to the rest of the program */
    pthread_mutex_t lock; /* guards what follows: any loop writes */
    int access_fd;        /* -1: no access log */
    bool is_cut;          /* the last write ended within a line */
};

/* 0, or -errno with words in `why` when the access log cannot be opened; events work all the same.
 */
int logging_init(struct logging *logging, const struct settings *settings,
                 struct buffer *why) MUST_USE;
/* Takes up level, format and file again; a renamed file is left and a new one made.  The old one
 * stays on failure. */
int logging_reopen(struct logging *logging, const struct settings *settings,
                   struct buffer *why) MUST_USE;
void logging_release(struct logging *logging);

/* For struct server_config; context is the struct logging. */
void logging_access_lines(void *context, struct text lines);
