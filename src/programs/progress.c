// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { REFRESH_US = 250 * 1000 };

/* 1234567 as "1,234,567". */
static void grouped(uint64_t number, char out[32])
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number), at = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void progress_describe(const struct library_status *status, char *out, size_t capacity)
{
    char seen[32], changed[32], tracks[32], failed[32];
    grouped(status->files_seen, seen);
    grouped(status->files_changed, changed);
    grouped(status->tracks, tracks);
    grouped(status->files_failed, failed);
    int size = snprintf(out, capacity, "%s files, %s changed", seen, changed);
    if (status->phase == LIBRARY_IDLE && size > 0 && (size_t)size < capacity)
        size += snprintf(out + size, capacity - (size_t)size, ", %s tracks", tracks);
    if (status->files_failed > 0 && size > 0 && (size_t)size < capacity)
        size += snprintf(out + size, capacity - (size_t)size,
                         ", %s could not be used (sostenuto scan says why)", failed);
    if (status->removal_refused > 0 && size > 0 && (size_t)size < capacity)
        (void)snprintf(out + size, capacity - (size_t)size,
                       "; %llu seem gone and are kept: sostenuto scan --allow-removal",
                       (unsigned long long)status->removal_refused);
}

static void show(struct progress *progress)
{
    struct library_status status;
    char words[256];
    library_status(progress->library, &status);
    progress_describe(&status, words, sizeof words);
    if (status.phase != LIBRARY_IDLE && progress->is_terminal) {
        fprintf(stdout, "\r\033[K%s: %s", library_phase_name(status.phase), words);
        progress->has_line = true;
    } else if (status.phase == LIBRARY_IDLE && status.started_ms != progress->shown_start_ms &&
               status.finished_ms >= status.started_ms) {
        fprintf(stdout, "%slibrary: %s\n", progress->has_line ? "\r\033[K" : "", words);
        progress->has_line = false;
        progress->shown_start_ms = status.started_ms;
    }
    (void)fflush(stdout);
    if (status.phase != LIBRARY_IDLE)
        loop_timer_start(progress->loop, &progress->timer,
                         loop_now_us(progress->loop) + REFRESH_US);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    (void)now_us;
    show(CONTAINER_OF(timer, struct progress, timer));
}

static void on_change(struct library_subscriber *subscriber, bool is_new_catalog)
{
    (void)is_new_catalog;
    show(CONTAINER_OF(subscriber, struct progress, subscriber));
}

void progress_start(struct progress *progress, struct loop *loop, struct library *library)
{
    struct library_status status;
    library_status(library, &status);
    *progress = (struct progress){
        .timer = {.on_timer = on_timer},
        .subscriber = {.on_change = on_change},
        .loop = loop,
        .library = library,
        .shown_start_ms = status.started_ms,
        .is_terminal = isatty(STDOUT_FILENO) == 1,
    };
    library_subscribe(library, &progress->subscriber);
}

void progress_stop(struct progress *progress)
{
    if (!progress->library)
        return;
    loop_timer_stop(&progress->timer);
    library_unsubscribe(progress->library, &progress->subscriber);
    progress->library = NULL;
}
