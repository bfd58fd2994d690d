// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/library.h"

/*
 * progress: a scan as one line that a terminal keeps up to date; one closing line when it ends.
 * Without a terminal only the closing line is printed.
 */
struct progress {
    struct loop_timer timer;
    struct library_subscriber subscriber;
    struct loop *loop;
    struct library *library;
    int64_t shown_start_ms; /* started_ms of the scan whose closing line was printed */
    bool is_terminal, has_line;
};

void progress_start(struct progress *progress, struct loop *loop, struct library *library);
void progress_stop(struct progress *progress); /* also of one never started */

/* "1,234 files, 12 changed, 1 failed" into `out`. */
void progress_describe(const struct library_status *status, char *out, size_t capacity);
