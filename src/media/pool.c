// SPDX-License-Identifier: GPL-3.0-or-later
/* The waiting and the batched forms over dispatch; transcode.c holds the third user of the pool. */
#include "media/pool.h"

#include "base/counters.h"
#include "base/mem.h"
#include "media/dispatch.h"
#include "media/transcoders.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

struct media_pool {
    struct dispatch *dispatch;
    struct transcoders *transcoders;
};

struct media_pool *media_pool_start(const struct media_config *config)
{
    struct media_pool *pool = MEM_NEW(struct media_pool);
    pool->dispatch = dispatch_start(config);
    pool->transcoders = transcoders_new(config);
    return pool;
}

void media_pool_stop(struct media_pool **pool)
{
    if (!*pool)
        return;
    dispatch_stop(&(*pool)->dispatch);
    transcoders_free(&(*pool)->transcoders);
    mem_free_p(pool);
}

struct transcoders *media_pool_transcoders(struct media_pool *pool) { return pool->transcoders; }

/* --- what came back --- */

static enum media_outcome take_info(enum media_outcome outcome, const struct wire_reply *reply,
                                    struct media_info *ret)
{
    counter_add(COUNTER_MEDIA_PROBES, 1);
    if (outcome == MEDIA_OK && (!reply || !media_info_decode(reply->payload, ret)))
        return MEDIA_CRASHED; /* whatever wrote this is not our worker any more */
    return outcome;
}

/* --- waiting for one job --- */

struct waiting {
    struct job job;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    enum media_outcome outcome;
    struct media_info *info; /* probe */
    uint64_t written;        /* artwork */
};

static void on_waited(struct job *job, enum media_outcome outcome, const struct wire_reply *reply)
{
    struct waiting *waiting = CONTAINER_OF(job, struct waiting, job);
    if (waiting->info)
        outcome = take_info(outcome, reply, waiting->info);
    pthread_mutex_lock(&waiting->lock);
    waiting->outcome = outcome;
    waiting->written = reply ? reply->written : 0;
    waiting->is_done = true;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->lock);
}

static enum media_outcome wait_for(struct media_pool *pool, enum dispatch_lane lane,
                                   struct waiting *waiting)
{
    waiting->job.on_done = on_waited;
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_cond_init(&waiting->done, NULL);
    waiting->outcome = MEDIA_BUSY;
    if (dispatch_submit(pool->dispatch, lane, &waiting->job)) {
        pthread_mutex_lock(&waiting->lock);
        while (!waiting->is_done)
            pthread_cond_wait(&waiting->done, &waiting->lock);
        pthread_mutex_unlock(&waiting->lock);
    }
    pthread_cond_destroy(&waiting->done);
    pthread_mutex_destroy(&waiting->lock);
    return waiting->outcome;
}

enum media_outcome media_probe(struct media_pool *pool, int fd, struct media_info *ret_info)
{
    struct media_info info = {0};
    struct waiting waiting = {.job = {.request = {.job = WIRE_PROBE}, .file = fd, .output = -1},
                              .info = &info};
    enum media_outcome outcome = wait_for(pool, LANE_PROBE, &waiting);
    if (outcome == MEDIA_OK)
        *ret_info = info;
    return outcome;
}

/* The worker may go on writing to its memfd as it likes: we copy once, what we find. */
static enum media_outcome take_image(int memory, uint64_t size, struct buffer *ret_image)
{
    char *room =
        size && size <= ret_image->ceiling ? buffer_reserve(ret_image, (size_t)size) : NULL;
    if (!room)
        return MEDIA_TOO_LARGE;
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(memory, room + done, (size_t)size - done, (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return MEDIA_CRASHED; /* claims more than it wrote */
        done += (size_t)got;
    }
    ret_image->size += (size_t)size;
    return MEDIA_OK;
}

enum media_outcome media_artwork(struct media_pool *pool, int fd, enum media_source source,
                                 unsigned size_px, enum media_image_format format,
                                 struct buffer *ret_image)
{
    int memory = memfd_create("artwork", MFD_CLOEXEC);
    if (memory < 0)
        return MEDIA_BUSY;
    struct waiting waiting = {.job = {.request = {.job = WIRE_ARTWORK,
                                                  .source = source,
                                                  .size_px = size_px,
                                                  .image_format = format},
                                      .file = fd,
                                      .output = memory}};
    enum media_outcome outcome = wait_for(pool, LANE_ARTWORK, &waiting);
    buffer_reset(ret_image);
    counter_add(COUNTER_MEDIA_IMAGES, 1);
    if (outcome == MEDIA_OK)
        outcome = take_image(memory, waiting.written, ret_image);
    close(memory);
    return outcome;
}

/* --- many in flight --- */

enum { BATCH_DEPTH = 64, BATCH_REFILL = BATCH_DEPTH / 2 };

struct batch_item {
    struct job job;
    struct media_batch *batch;
    struct batch_item *next;
    void *token;
    enum media_outcome outcome;
    struct media_info info;
};

struct media_batch {
    struct media_pool *pool;
    media_on_probed *on_probed;
    void *context;
    struct batch_item *items, *idle; /* BATCH_DEPTH of them */
    unsigned in_flight;              /* the adding thread's count: not yet told */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct batch_item *finished; /* under the lock */
    unsigned finished_count, wanted_count;
};

struct media_batch *media_batch_new(struct media_pool *pool, media_on_probed *on_probed,
                                    void *context)
{
    struct media_batch *batch = MEM_NEW(struct media_batch);
    batch->pool = pool;
    batch->on_probed = on_probed;
    batch->context = context;
    batch->items = mem_zalloc(BATCH_DEPTH * sizeof *batch->items);
    for (size_t i = 0; i < BATCH_DEPTH; i++) {
        batch->items[i].batch = batch;
        batch->items[i].next = batch->idle;
        batch->idle = &batch->items[i];
    }
    pthread_mutex_init(&batch->lock, NULL);
    pthread_cond_init(&batch->answered, NULL);
    return batch;
}

static void on_answered(struct job *job, enum media_outcome outcome, const struct wire_reply *reply)
{
    struct batch_item *item = CONTAINER_OF(job, struct batch_item, job);
    struct media_batch *batch = item->batch;
    item->outcome = take_info(outcome, reply, &item->info);
    close(job->file);
    pthread_mutex_lock(&batch->lock);
    item->next = batch->finished;
    batch->finished = item;
    if (++batch->finished_count == batch->wanted_count)
        pthread_cond_signal(&batch->answered); /* woken once for many */
    pthread_mutex_unlock(&batch->lock);
}

/* Tells what is answered, after waiting for at least `wanted` of it. */
static void batch_tell(struct media_batch *batch, unsigned wanted)
{
    pthread_mutex_lock(&batch->lock);
    batch->wanted_count = wanted;
    while (batch->finished_count < wanted)
        pthread_cond_wait(&batch->answered, &batch->lock);
    batch->wanted_count = UINT32_MAX;
    struct batch_item *finished = batch->finished;
    batch->finished = NULL;
    batch->finished_count = 0;
    pthread_mutex_unlock(&batch->lock);
    for (struct batch_item *item = finished, *next; item; item = next) {
        next = item->next;
        batch->in_flight--;
        batch->on_probed(batch->context, item->token, item->outcome,
                         item->outcome == MEDIA_OK ? &item->info : NULL);
        item->next = batch->idle;
        batch->idle = item;
    }
}

void media_batch_add(struct media_batch *batch, int fd, void *token)
{
    if (!batch->idle)
        batch_tell(batch, BATCH_REFILL);
    struct batch_item *item = batch->idle;
    batch->idle = item->next;
    item->token = token;
    item->info = (struct media_info){0};
    item->job = (struct job){
        .request = {.job = WIRE_PROBE}, .file = fd, .output = -1, .on_done = on_answered};
    batch->in_flight++;
    if (dispatch_submit(batch->pool->dispatch, LANE_PROBE, &item->job))
        return;
    on_answered(&item->job, MEDIA_BUSY, NULL);
}

void media_batch_flush(struct media_batch *batch)
{
    while (batch->in_flight)
        batch_tell(batch, batch->in_flight);
}

void media_batch_free(struct media_batch **batch)
{
    if (!*batch)
        return;
    media_batch_flush(*batch);
    pthread_cond_destroy(&(*batch)->answered);
    pthread_mutex_destroy(&(*batch)->lock);
    mem_free((*batch)->items);
    mem_free_p(batch);
}
