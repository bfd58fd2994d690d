// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The processes that encode: one for each encode, and one started ahead.
 *
 * A worker started ahead costs a listener who presses play nothing: one, from when a listener is
 * there on, anew after each encode's first segment, gone when nobody needed it for ten minutes.
 */
#include "media/packager_state.h"

#include "base/counters.h"
#include "io/clock.h"
#include "media/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { PIPE_BYTES = 256 * 1024, LAST_WORD_MS = 1000, LAST_MESSAGES = 16 };

static int start_worker(const struct packager *packager, struct process *process)
{
    const struct process_plan plan = {packager->config.worker_path, "package",
                                      packager->config.worker_memory_bytes, false};
    counter_add(COUNTER_MEDIA_WORKERS_STARTED, 1);
    return process_start(process, &plan);
}

static int give_work(const struct process *process, const struct package *package, int pipe_end)
{
    struct wire_request request = {.job = WIRE_PACKAGE,
                                   .id = 1,
                                   .rendition = package->name.rendition,
                                   .wants_loudness = package->wants_loudness};
    struct buffer message;
    buffer_init(&message, 256);
    wire_encode_request(&request, &message);
    int error = process_send(process, message.data, message.size,
                             (const int[2]){package->source, pipe_end});
    buffer_release(&message);
    return error;
}

/* Takes the spare one; two that start at once would hinder each other, so none is wanted now. */
static bool take_spare(struct packager *packager, struct process *ret)
{
    pthread_mutex_lock(&packager->lock);
    bool is_there = packager->has_spare;
    if (is_there)
        *ret = packager->spare;
    packager->has_spare = packager->wants_spare = false;
    pthread_mutex_unlock(&packager->lock);
    return is_there;
}

static int hand_over(struct process *process, const struct package *package, int pipe_end)
{
    int error = give_work(process, package, pipe_end);
    if (error) {
        process_end(process);
    }
    return error;
}

int packager_start_worker(struct packager *packager, struct package *package, unsigned slot)
{
    struct process process;
    int ends[2], error = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    if (!take_spare(packager, &process) || hand_over(&process, package, ends[1])) {
        error = start_worker(packager, &process);
        error = error ? error : hand_over(&process, package, ends[1]);
    }
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return error;
    }
    pthread_mutex_lock(&packager->lock);
    packager->running[slot].process = process;
    if (packager->is_stopping)
        process_kill(&process);
    pthread_mutex_unlock(&packager->lock);
    return ends[0];
}

enum media_outcome packager_last_word(const struct process *process)
{
    char message[256];
    struct wire_reply reply;
    struct pollfd wanted = {.fd = process->socket, .events = POLLIN};
    for (unsigned messages = 0; messages < LAST_MESSAGES;) {
        ssize_t got = process_receive(process, message, sizeof message);
        if (got > 0 && wire_decode_reply(text_make(message, (size_t)got), &reply) && reply.id == 1)
            return reply.outcome;
        messages += got > 0;
        if (got == 0 || (got < 0 && got != -EAGAIN))
            break;
        if (got < 0 && poll(&wanted, 1, LAST_WORD_MS) <= 0 && errno != EINTR)
            break;
    }
    return MEDIA_CRASHED;
}

/* --- the spare one --- */

void packager_want_spare(struct packager *packager)
{
    packager->wants_spare = true;
    pthread_cond_signal(&packager->work);
}

void packager_tend_spare(struct packager *packager)
{
    struct process process;
    if (packager->wants_spare && !packager->has_spare) {
        packager->wants_spare = false;
        pthread_mutex_unlock(&packager->lock);
        bool is_started = start_worker(packager, &process) == 0;
        pthread_mutex_lock(&packager->lock);
        bool is_needed = is_started && !packager->has_spare && !packager->is_stopping;
        if (is_needed) {
            packager->spare = process;
            packager->has_spare = true;
            packager->spare_since_us = clock_monotonic_us();
        } else if (is_started) {
            process_end(&process);
        }
    }
    packager->wants_spare = false;
    uint64_t age_us = clock_monotonic_us() - packager->spare_since_us;
    if (packager->has_spare && age_us > (uint64_t)PACKAGER_SPARE_S * 1000000) {
        process_end(&packager->spare);
        packager->has_spare = false;
    }
}
