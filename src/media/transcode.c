// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/transcode.h"

#include "base/counters.h"
#include "base/mem.h"
#include "media/process.h"
#include "media/transcoders.h"
#include "media/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum { DEFAULT_TRANSCODES = 8, PIPE_BYTES = 256 * 1024 };

struct transcoders {
    pthread_mutex_t lock;
    struct media_transcode *running; /* a list */
    unsigned count, limit;
    bool is_abandoned; /* by the pool: freed with the last handle */
    char *path;
    uint64_t memory_bytes;
};

struct media_transcode {
    struct media_transcode *next;
    struct transcoders *transcoders;
    struct process process;
    bool has_outcome;
    enum media_outcome outcome;
};

struct transcoders *transcoders_new(const struct media_config *config)
{
    struct transcoders *transcoders = MEM_NEW(struct transcoders);
    pthread_mutex_init(&transcoders->lock, NULL);
    transcoders->limit = config->max_transcodes ? config->max_transcodes : DEFAULT_TRANSCODES;
    transcoders->path = mem_strdup(config->worker_path);
    transcoders->memory_bytes =
        config->worker_memory_bytes ? config->worker_memory_bytes : 512U << 20;
    return transcoders;
}

static void destroy(struct transcoders *transcoders)
{
    pthread_mutex_destroy(&transcoders->lock);
    mem_free(transcoders->path);
    mem_free(transcoders);
}

void transcoders_free(struct transcoders **transcoders_p)
{
    struct transcoders *transcoders = *transcoders_p;
    if (!transcoders)
        return;
    pthread_mutex_lock(&transcoders->lock);
    for (struct media_transcode *at = transcoders->running; at; at = at->next)
        process_kill(&at->process);
    transcoders->is_abandoned = true;
    bool is_last = transcoders->count == 0;
    pthread_mutex_unlock(&transcoders->lock);
    if (is_last)
        destroy(transcoders);
    *transcoders_p = NULL;
}

/* --- places --- */

static bool place_take(struct transcoders *transcoders)
{
    pthread_mutex_lock(&transcoders->lock);
    bool is_free = transcoders->count < transcoders->limit;
    transcoders->count += is_free;
    pthread_mutex_unlock(&transcoders->lock);
    return is_free;
}

static void place_list(struct media_transcode *transcode)
{
    struct transcoders *transcoders = transcode->transcoders;
    pthread_mutex_lock(&transcoders->lock);
    transcode->next = transcoders->running;
    transcoders->running = transcode;
    pthread_mutex_unlock(&transcoders->lock);
}

/* Gives the place back; `transcode` may be NULL when it never came to run. */
static void place_return(struct transcoders *transcoders, struct media_transcode *transcode)
{
    pthread_mutex_lock(&transcoders->lock);
    for (struct media_transcode **at = &transcoders->running; transcode && *at; at = &(*at)->next) {
        if (*at == transcode) {
            *at = transcode->next;
            break;
        }
    }
    bool is_last = --transcoders->count == 0 && transcoders->is_abandoned;
    pthread_mutex_unlock(&transcoders->lock);
    if (is_last)
        destroy(transcoders);
}

/* --- one transcode --- */

static int start_process(struct transcoders *transcoders, int fd, int pipe_end,
                         const struct media_transcode_request *request, struct process *process)
{
    const struct process_plan plan = {transcoders->path, "transcode", transcoders->memory_bytes,
                                      false};
    const struct wire_request wire = {.job = WIRE_TRANSCODE, .id = 1, .transcode = *request};
    int error = process_start(process, &plan);
    if (error)
        return error;
    struct buffer message;
    buffer_init(&message, 256);
    wire_encode_request(&wire, &message);
    error = process_send(process, message.data, message.size, (const int[2]){fd, pipe_end});
    buffer_release(&message);
    if (error) {
        process_end(process);
    }
    return error;
}

enum media_outcome media_transcode_start(struct media_pool *pool, int fd,
                                         const struct media_transcode_request *request,
                                         int *ret_pipe, struct media_transcode **ret_transcode)
{
    struct transcoders *transcoders = media_pool_transcoders(pool);
    int ends[2];
    if (!place_take(transcoders))
        return MEDIA_BUSY;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        place_return(transcoders, NULL);
        return MEDIA_BUSY;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours alone: the writer waits for its reader */
    struct media_transcode *transcode = MEM_NEW(struct media_transcode);
    transcode->transcoders = transcoders;
    int error = start_process(transcoders, fd, ends[1], request, &transcode->process);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        mem_free(transcode);
        place_return(transcoders, NULL);
        return MEDIA_NO_WORKER;
    }
    counter_add(COUNTER_MEDIA_TRANSCODES, 1);
    place_list(transcode);
    *ret_pipe = ends[0];
    *ret_transcode = transcode;
    return MEDIA_OK;
}

/* The last word of the process, if it spoke: after "ready" comes the outcome. */
static enum media_outcome last_word(const struct process *process)
{
    char message[256];
    struct wire_reply reply;
    for (ssize_t got; (got = process_receive(process, message, sizeof message)) > 0;)
        if (wire_decode_reply(text_make(message, (size_t)got), &reply) && reply.id == 1)
            return reply.outcome;
    return MEDIA_CRASHED;
}

enum media_outcome media_transcode_outcome(struct media_transcode *transcode)
{
    if (!transcode->has_outcome)
        transcode->outcome = last_word(&transcode->process);
    transcode->has_outcome = true;
    return transcode->outcome;
}

enum media_outcome media_transcode_end(struct media_transcode **transcode_p)
{
    struct media_transcode *transcode = *transcode_p;
    if (!transcode)
        return MEDIA_OK;
    struct transcoders *transcoders = transcode->transcoders;
    enum media_outcome outcome = media_transcode_outcome(transcode);
    place_return(transcoders, transcode);
    process_end(&transcode->process);
    mem_free_p(transcode_p);
    return outcome;
}
