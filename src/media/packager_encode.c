// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One encode, from its worker's pipe to a file with a name.
 *
 *     worker started ──packets──> objects written and told ──end──> index, disk, name
 */
#include "media/packager_state.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, INDEX_CEILING = 8 << 20 };

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
            packager_want_spare(encode->packager);
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
    int pipe = packager_start_worker(packager, encode->package, slot);
    if (pipe < 0)
        return MEDIA_NO_WORKER;
    enum segmenter_state state = read_all(encode, pipe);
    struct process *process = &packager->running[slot].process;
    enum media_outcome word = MEDIA_TIMEOUT;
    if (encode->is_stalled)
        counter_add(COUNTER_ENCODES_STALLED, 1);
    else
        word = packager_last_word(process); /* before it could be the last */
    pthread_mutex_lock(&packager->lock);
    struct process ended = *process;
    packager->running[slot].process = (struct process){.pidfd = -1, .socket = -1};
    pthread_mutex_unlock(&packager->lock);
    process_end(&ended);
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

void packager_encode(struct packager *packager, struct package *package, unsigned slot)
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
