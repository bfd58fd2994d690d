// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "programs/settings.h"

/*
 * audit_log: the file of who did what to accounts, sessions and keys (docs/audit.md): one JSON
 * object a line, mode 0600, by default STATE/audit.log.
 *
 * Past AUDIT_LOG_MAX_BYTES the file becomes NAME.1, in place of the one before, so that refused
 * sign-ins fill no disk.  What cannot be written there goes to the ordinary log.  One thread.
 */
enum { AUDIT_LOG_MAX_BYTES = 64 << 20 };

struct audit_log {
    struct logger logger; /* hand this to the api and the operator */
    const struct logger *otherwise;
    char *path; /* NULL: the ordinary log */
    int fd;     /* -1: not open */
    size_t size;
};

/* `otherwise` is borrowed.  0, or -errno with words in `why`: then the ordinary log is used. */
int audit_log_open(struct audit_log *log, const struct settings *settings,
                   const struct logger *otherwise, struct buffer *why) MUST_USE;
/* The file anew, at SIGHUP: it may have been renamed, or the setting changed. */
int audit_log_reopen(struct audit_log *log, const struct settings *settings,
                     struct buffer *why) MUST_USE;
void audit_log_close(struct audit_log *log); /* accepts zeros */
