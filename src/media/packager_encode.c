// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Encodes: the queue, the threads, and one encode from its worker's pipe to a file with a name.
 *
 *     thread  idle ──job──> worker started ──packets──> objects written and told ──end──> renamed
 */
#include "media/packager_state.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "media/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, PIPE_BYTES = 256 * 1024, SPARE_S = 600 };
enum { INDEX_CEILING = 8 << 20, LAST_WORD_MS = 1000, LAST_MESSAGES = 16 };

/* --- the queue --- */

static unsigned count_of(const struct packager *packager, uint64_t listener, bool is_running)
{
    unsigned count = 0;
    if (is_running) {
        for (unsigned i = 0; i < ENCODES_MAX; i++)
            count +=
                packager->running[i].package && packager->running[i].package->listener == listener;
        return count;
    }
    for (const struct package *at = packager->queue; at; at = at->next_queued)
        count += at->listener == listener;
    return count;
}

static bool has_place(const struct packager *packager, uint64_t listener)
{
    return !guard_is_on(GUARD_ENCODE_QUEUE) ||
           (packager->queued_count < packager->config.max_queued &&
            count_of(packager, listener, false) < packager->config.max_queued_per_listener);
}

enum media_outcome packager_begin(struct packager *packager, const struct package_name *name,
                                  int source, uint64_t listener, bool wants_loudness)
{
    enum media_outcome outcome = MEDIA_OK;
    pthread_mutex_lock(&packager->lock);
    struct package *package = package_find(packager, name->track, name->rendition);
    if (package && package->name.generation == name->generation &&
        package->state == PACKAGE_PLANNED && !package->is_queued) {
        if (packager->is_stopping || !has_place(packager, listener)) {
            outcome = MEDIA_BUSY;
            counter_add(COUNTER_ENCODES_REFUSED, 1);
        } else {
            package_leave_plan(packager, package);
            package->is_queued = true;
            package->source = source;
            package->listener = listener;
            package->wants_loudness = wants_loudness;
            package->begun_us = clock_monotonic_us();
            package->next_queued = NULL;
            *packager->last_queued = package;
            packager->last_queued = &package->next_queued;
            packager->queued_count++;
            source = -1;
            pthread_cond_signal(&packager->work);
        }
    }
    pthread_mutex_unlock(&packager->lock);
    if (source >= 0)
        close(source);
    return outcome;
}

/* The first job of the listener with the fewest encodes running. */
static struct package *choose(struct packager *packager)
{
    struct package **best = &packager->queue;
    unsigned fewest = UINT32_MAX;
    for (struct package **at = &packager->queue; *at; at = &(*at)->next_queued) {
        unsigned running = count_of(packager, (*at)->listener, true);
        if (running >= fewest)
            continue;
        fewest = running;
        best = at;
        if (!guard_is_on(GUARD_ENCODE_FAIRNESS))
            break;
    }
    struct package *package = *best;
    *best = package->next_queued;
    if (!*best)
        packager->last_queued = best;
    packager->queued_count--;
    package->is_queued = false;
    return package;
}

/* --- workers --- */

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
        process_kill(process);
        (void)process_reap(process);
    }
    return error;
}

/* The spare one, or a new one when there is none or it has died meanwhile.  The pipe's read end or
 * -errno. */
static int start_encode(struct packager *packager, struct package *package, unsigned slot)
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

/* What the worker said of its work.  Its pipe may end a moment before that word arrives. */
static enum media_outcome last_word(const struct process *process)
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

/* --- one encode --- */

struct encode {
    struct packager *packager;
    struct package *package;
    struct segmenter *segmenter;
    char part[PACKAGE_NAME_BYTES + 8], file[PACKAGE_NAME_BYTES];
    uint64_t written;
    struct package_object lead; /* of the segment to come */
    bool is_out_of_room, is_stalled;
};

/* All bytes at `offset`: what an attempt without room left there is written over.  0 or -errno. */
static int write_at(int fd, struct text bytes, uint64_t offset)
{
    while (bytes.size) {
        ssize_t put = pwrite(fd, bytes.data, bytes.size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        bytes = text_from(bytes, (size_t)put);
        offset += (uint64_t)put;
    }
    return 0;
}

/* The disk may be full of others' files long before our share is: then what is least worth its
 * bytes goes. */
static bool write_somehow(struct encode *encode, struct text bytes)
{
    struct packager *packager = encode->packager;
    int error;
    bool is_freed = true;
    while ((error = write_at(encode->package->fd, bytes, encode->written)) != 0 && is_freed) {
        pthread_mutex_lock(&packager->lock);
        is_freed = (error == -ENOSPC || error == -EDQUOT) && packager_evict(packager);
        pthread_mutex_unlock(&packager->lock);
    }
    return error == 0;
}

/* Appends to the file; counted before it is there, so that two encodes cannot take one's room. */
static bool append(struct encode *encode, struct text bytes)
{
    struct packager *packager = encode->packager;
    pthread_mutex_lock(&packager->lock);
    bool has_room = packager_make_room(packager, bytes.size);
    if (has_room) {
        packager->disk_bytes += bytes.size;
        encode->package->bytes += bytes.size;
    }
    pthread_mutex_unlock(&packager->lock);
    if (!has_room || !write_somehow(encode, bytes)) {
        encode->is_out_of_room = true;
        return false;
    }
    encode->written += bytes.size;
    return true;
}

/* The lock is held. */
static void note_head(struct package *package, const struct packets_head *head)
{
    package->index = (struct package_index){.codec = head->track.codec,
                                            .rate = head->track.rate,
                                            .channels = head->track.channels,
                                            .packet = head->track.packet,
                                            .priming = head->track.priming,
                                            .source_rate = head->source_rate,
                                            .source_channels = head->source_channels,
                                            .source_depth = head->source_depth,
                                            .loudness_mlufs = PACKETS_NO_LOUDNESS};
    package->has_index = true;
}

/* With the last segment, so that nobody has that and does not know the length.  The lock is held.
 */
static void note_end(struct package *package, const struct segmenter *segmenter)
{
    const struct packets_end *end = segmenter_end(segmenter);
    package->index.length = end->samples;
    package->index.trim_end = segmenter_trim_end(segmenter);
    package->index.source_samples = end->source_samples;
    package->index.loudness_mlufs = end->loudness_mlufs;
    package->index.peak_ppm = end->peak_ppm;
}

/* For the next song, while this one sounds.  The lock is held. */
static void want_spare(struct packager *packager)
{
    packager->wants_spare = true;
    pthread_cond_signal(&packager->work);
}

static bool on_object(void *context, const struct segmenter_object *object)
{
    struct encode *encode = context;
    struct package *package = encode->package;
    struct package_object written = {.offset = encode->written,
                                     .bytes = (uint32_t)object->bytes.size};
    SHA256((const uint8_t *)object->bytes.data, object->bytes.size, written.sha256);
    if (!append(encode, object->bytes))
        return false;
    if (object->kind == SEGMENTER_LEAD) {
        encode->lead = written; /* told with its segment */
        return true;
    }
    pthread_mutex_lock(&encode->packager->lock);
    if (object->kind == SEGMENTER_INIT) {
        note_head(package, segmenter_head(encode->segmenter));
        package->index.init = written;
    } else {
        package_index_add(&package->index,
                          &(struct package_segment){.at = object->at,
                                                    .samples = (uint32_t)object->samples,
                                                    .segment = written,
                                                    .lead = encode->lead});
        encode->lead = (struct package_object){0};
        if (object->is_last)
            note_end(package, encode->segmenter);
        if (!object->number)
            want_spare(encode->packager);
    }
    package_wake(package);
    pthread_mutex_unlock(&encode->packager->lock);
    return true;
}

static enum segmenter_state read_all(struct encode *encode, int pipe)
{
    enum segmenter_state state = SEGMENTER_MORE;
    int silence_ms =
        guard_is_on(GUARD_ENCODE_STALL) ? (int)encode->packager->config.max_silence_ms : -1;
    char *block = mem_alloc(READ_BYTES);
    while (state == SEGMENTER_MORE) {
        struct pollfd wanted = {.fd = pipe, .events = POLLIN};
        int ready = poll(&wanted, 1, silence_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        encode->is_stalled = ready == 0;
        ssize_t got = ready > 0 ? read(pipe, block, READ_BYTES) : -1;
        if (got < 0 && ready > 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        state = segmenter_put(encode->segmenter, text_make(block, (size_t)got));
    }
    mem_free(block);
    return state;
}

/* Index, disk, name: in this order. */
static bool finish_file(struct encode *encode)
{
    struct package *package = encode->package;
    struct package_index index;
    struct buffer out;
    buffer_init(&out, INDEX_CEILING);
    pthread_mutex_lock(&encode->packager->lock);
    package_index_copy(&package->index, &index);
    pthread_mutex_unlock(&encode->packager->lock);
    package_index_write(&index, &out);
    package_index_release(&index);
    bool is_done =
        !out.overflowed && append(encode, buffer_view(&out)) && fdatasync(package->fd) == 0 &&
        renameat(encode->packager->folder, encode->part, encode->packager->folder, encode->file) ==
            0;
    encode->is_out_of_room = !is_done;
    buffer_release(&out);
    return is_done;
}

/* The lock is held. */
static void settle_failure(struct encode *encode, enum media_outcome outcome)
{
    struct packager *packager = encode->packager;
    struct package *package = encode->package;
    packager->disk_bytes -= package->bytes;
    package->bytes = 0;
    package->state = PACKAGE_FAILED;
    package->why = outcome;
    package->failed_us = clock_monotonic_us();
    package_index_release(&package->index);
    package->has_index = false;
    counter_add(COUNTER_RENDITIONS_FAILED, 1);
    LOG(packager->config.logger, LOG_WARNING, "rendition failed", {"file", text_of(encode->file)},
        {"why", text_of(media_outcome_word(outcome))});
}

static enum media_outcome run_worker(struct encode *encode, unsigned slot)
{
    struct packager *packager = encode->packager;
    int pipe = start_encode(packager, encode->package, slot);
    if (pipe < 0)
        return MEDIA_NO_WORKER;
    enum segmenter_state state = read_all(encode, pipe);
    struct process *process = &packager->running[slot].process;
    enum media_outcome word = MEDIA_TIMEOUT;
    if (encode->is_stalled)
        counter_add(COUNTER_ENCODES_STALLED, 1);
    else
        word = last_word(process); /* before it could be the last */
    pthread_mutex_lock(&packager->lock);
    struct process ended = *process;
    packager->running[slot].process = (struct process){.pidfd = -1, .socket = -1};
    pthread_mutex_unlock(&packager->lock);
    process_kill(&ended);
    (void)process_reap(&ended);
    close(pipe);
    if (state == SEGMENTER_DONE && finish_file(encode))
        return MEDIA_OK;
    if (encode->is_out_of_room)
        return MEDIA_NO_ROOM;
    return word == MEDIA_OK || state == SEGMENTER_BAD ? MEDIA_DAMAGED : word;
}

static void end_encode(struct encode *encode, enum media_outcome outcome, unsigned slot)
{
    struct packager *packager = encode->packager;
    struct package *package = encode->package;
    if (outcome != MEDIA_OK) /* before anybody is told, who might need its room */
        (void)unlinkat(packager->folder, encode->part, 0);
    pthread_mutex_lock(&packager->lock);
    close(package->source);
    package->source = -1;
    if (outcome == MEDIA_OK) {
        package->state = PACKAGE_COMPLETE;
        package->used_ms = clock_unix_ms();
        package_keep_warm(packager, package);
        counter_add(COUNTER_RENDITIONS_MADE, 1);
    } else {
        settle_failure(encode, outcome);
    }
    packager->running[slot].package = NULL;
    package_wake(package);
    counter_add(COUNTER_ENCODES_RUNNING, -1);
    package_let_go(packager, package);
    pthread_mutex_unlock(&packager->lock);
}

static void encode_one(struct packager *packager, struct package *package, unsigned slot)
{
    struct encode encode = {.packager = packager, .package = package};
    package_file_name(&package->name, encode.file);
    snprintf(encode.part, sizeof encode.part, "%s.part", encode.file);
    encode.segmenter = segmenter_new(on_object, &encode);
    int fd = openat(packager->folder, encode.part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    pthread_mutex_lock(&packager->lock);
    package->fd = fd;
    pthread_mutex_unlock(&packager->lock);
    enum media_outcome outcome = fd < 0 ? MEDIA_NO_ROOM : run_worker(&encode, slot);
    const struct packets_end *end = segmenter_end(encode.segmenter);
    bool is_measured = outcome == MEDIA_OK && end->loudness_mlufs != PACKETS_NO_LOUDNESS;
    const struct package_name name = package->name;
    end_encode(&encode, outcome, slot); /* before on_loudness, which may wait for a disk */
    if (is_measured && packager->config.on_loudness)
        packager->config.on_loudness(packager->config.context, name.track, end);
    segmenter_free(&encode.segmenter);
}

/* --- threads --- */

/* A worker started ahead costs a listener who presses play nothing: one, from when a listener is
 * there on, anew after each encode's first segment, gone when nobody needed it for ten minutes.
 * The lock is held, and let go of meanwhile. */
static void tend_spare(struct packager *packager)
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
            process_kill(&process);
            (void)process_reap(&process);
        }
    }
    packager->wants_spare = false;
    uint64_t age_us = clock_monotonic_us() - packager->spare_since_us;
    if (packager->has_spare && age_us > (uint64_t)SPARE_S * 1000000) {
        process_kill(&packager->spare);
        (void)process_reap(&packager->spare);
        packager->has_spare = false;
    }
}

/* Until there is work; the lock is held. */
static void wait_for_work(struct packager *packager)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SPARE_S + 1;
    if (packager->has_spare)
        pthread_cond_timedwait(&packager->work, &packager->lock, &until);
    else
        pthread_cond_wait(&packager->work, &packager->lock);
}

static unsigned take_slot(struct packager *packager, struct package *package)
{
    unsigned slot = 0;
    while (packager->running[slot].package)
        slot++;
    packager->running[slot].package = package;
    packager->running[slot].process = (struct process){.pidfd = -1, .socket = -1};
    return slot;
}

/* What still waited for a thread when the server ends. */
static void refuse_queue(struct packager *packager)
{
    while (packager->queue) {
        struct package *package = choose(packager);
        package->state = PACKAGE_FAILED;
        package->why = MEDIA_BUSY;
        package->failed_us = clock_monotonic_us();
        close(package->source);
        package->source = -1;
        package_wake(package);
    }
}

void *packager_run(void *context)
{
    struct packager *packager = context;
    pthread_mutex_lock(&packager->lock);
    while (!packager->is_stopping) {
        if (!packager->queue) {
            tend_spare(packager);
            if (!packager->queue && !packager->is_stopping && !packager->wants_spare)
                wait_for_work(packager);
            continue;
        }
        struct package *package = choose(packager);
        unsigned slot = take_slot(packager, package);
        package->state = PACKAGE_ENCODING;
        package->users++;
        counter_add(COUNTER_ENCODES_RUNNING, 1);
        pthread_mutex_unlock(&packager->lock);
        encode_one(packager, package, slot);
        pthread_mutex_lock(&packager->lock);
    }
    refuse_queue(packager);
    pthread_mutex_unlock(&packager->lock);
    return NULL;
}
