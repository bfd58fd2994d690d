// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/dispatch.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MAX_WORKERS = 8,
    MAX_DEPTH = 4, /* jobs in one worker's socket */
    START_DEADLINE_US = 20 * 1000 * 1000,
    IDLE_US = 10 * 1000 * 1000, /* each holds 15 to 20 MiB; another is there in some milliseconds */
    WATCH_US = 100 * 1000, /* a job older than this has its worker's memory looked at, this often */
    MAX_FAILED_STARTS = 3,
};

enum worker_state { WORKER_ABSENT, WORKER_STARTING, WORKER_READY };

struct worker {
    enum worker_state state;
    struct process process;
    struct job *held[MAX_DEPTH]; /* in order of their answers */
    unsigned held_count, jobs_done;
    uint64_t since_us; /* of the first job's turn, of the start, or of idleness */
};

struct lane {
    const char *role;
    unsigned worker_count, depth, failed_starts;
    uint64_t deadline_us;
    bool is_background;
    struct worker workers[MAX_WORKERS];
    /* under the lock */
    struct job *first, **last;
    size_t queued;
};

struct dispatch {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake; /* eventfd */
    bool is_stopping;
    char *path;
    uint64_t memory_bytes, next_id;
    unsigned jobs_per_worker;
    size_t max_queued;
    struct lane lanes[LANE_COUNT];
    char message[WIRE_MAX_BYTES];
};

/* --- queues: the only state shared with callers --- */

bool dispatch_submit(struct dispatch *dispatch, enum dispatch_lane at, struct job *job)
{
    struct lane *lane = &dispatch->lanes[at];
    job->next = NULL;
    pthread_mutex_lock(&dispatch->lock);
    bool is_taken = !dispatch->is_stopping && lane->queued < dispatch->max_queued;
    bool was_empty = lane->queued == 0;
    if (is_taken) {
        *lane->last = job;
        lane->last = &job->next;
        lane->queued++;
    }
    pthread_mutex_unlock(&dispatch->lock);
    if (is_taken &&
        was_empty) /* else the dispatcher knows, or has no room: it looks again after each answer */
        (void)eventfd_write(dispatch->wake, 1);
    return is_taken;
}

static struct job *queue_pop(struct dispatch *dispatch, struct lane *lane)
{
    pthread_mutex_lock(&dispatch->lock);
    struct job *job = lane->first;
    if (job) {
        lane->first = job->next;
        if (!lane->first)
            lane->last = &lane->first;
        lane->queued--;
    }
    pthread_mutex_unlock(&dispatch->lock);
    return job;
}

static void queue_return(struct dispatch *dispatch, struct lane *lane, struct job *job)
{
    pthread_mutex_lock(&dispatch->lock);
    job->next = lane->first;
    if (!lane->first)
        lane->last = &job->next;
    lane->first = job;
    lane->queued++;
    pthread_mutex_unlock(&dispatch->lock);
}

static size_t queue_size(struct dispatch *dispatch, struct lane *lane)
{
    pthread_mutex_lock(&dispatch->lock);
    size_t queued = lane->queued;
    pthread_mutex_unlock(&dispatch->lock);
    return queued;
}

/* --- one worker's life --- */

static void worker_start(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                         uint64_t now_us)
{
    const struct process_plan plan = {dispatch->path, lane->role, dispatch->memory_bytes,
                                      lane->is_background};
    if (process_start(&worker->process, &plan) < 0) {
        lane->failed_starts++;
        return;
    }
    counter_add(COUNTER_MEDIA_WORKERS_STARTED, 1);
    worker->state = WORKER_STARTING;
    worker->held_count = worker->jobs_done = 0;
    worker->since_us = now_us;
}

static struct job *held_pop(struct worker *worker)
{
    struct job *job = worker->held[0];
    worker->held_count--;
    memmove(worker->held, worker->held + 1, worker->held_count * sizeof(struct job *));
    return job;
}

/* The worker is dead or must be: its first job gets `outcome`, the others another worker. */
static void worker_end(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                       enum media_outcome outcome)
{
    process_kill(&worker->process);
    int status = process_reap(&worker->process);
    if (outcome == MEDIA_CRASHED && status == WIRE_EXIT_NO_MEMORY)
        outcome = MEDIA_OUT_OF_MEMORY;
    if (worker->state == WORKER_STARTING)
        lane->failed_starts++;
    worker->state = WORKER_ABSENT;
    while (worker->held_count > 1)
        queue_return(dispatch, lane, worker->held[--worker->held_count]);
    if (worker->held_count) {
        struct job *job = held_pop(worker);
        counter_add(COUNTER_MEDIA_WORKERS_LOST, 1);
        job->on_done(job, outcome, NULL);
    }
}

static bool worker_give(struct dispatch *dispatch, struct worker *worker, struct job *job,
                        uint64_t now_us)
{
    struct buffer message;
    buffer_init(&message, 256);
    job->request.id = ++dispatch->next_id;
    wire_encode_request(&job->request, &message);
    int error = process_send(&worker->process, message.data, message.size,
                             (const int[2]){job->file, job->output});
    buffer_release(&message);
    if (error)
        return false;
    if (!worker->held_count)
        worker->since_us = now_us;
    worker->held[worker->held_count++] = job;
    return true;
}

/* One answer.  False when the worker talks nonsense. */
static bool worker_answered(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                            size_t size, uint64_t now_us)
{
    struct wire_reply reply;
    if (!wire_decode_reply(text_make(dispatch->message, size), &reply))
        return false;
    if (worker->state == WORKER_STARTING) {
        if (reply.id != 0)
            return false;
        worker->state = WORKER_READY;
        worker->since_us = now_us;
        lane->failed_starts = 0;
        return true;
    }
    if (!worker->held_count || reply.id != worker->held[0]->request.id)
        return false;
    struct job *job = held_pop(worker);
    worker->since_us = now_us;
    worker->jobs_done++;
    job->on_done(job, reply.outcome, &reply);
    return true;
}

static void worker_read(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                        uint64_t now_us)
{
    for (;;) {
        ssize_t got =
            process_receive(&worker->process, dispatch->message, sizeof dispatch->message);
        if (got == -EAGAIN)
            return;
        if (got <= 0 || !worker_answered(dispatch, lane, worker, (size_t)got, now_us)) {
            worker_end(dispatch, lane, worker, MEDIA_CRASHED);
            return;
        }
    }
}

/* Its time is over, unless an answer lies there that we had no time to read. */
static void worker_overdue(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                           uint64_t now_us)
{
    uint64_t since_us = worker->since_us;
    worker_read(dispatch, lane, worker, now_us);
    if (worker->state != WORKER_ABSENT && worker->since_us == since_us)
        worker_end(dispatch, lane, worker, MEDIA_TIMEOUT);
}

/* What time alone brings about.  Returns when to look again. */
static uint64_t worker_watch(struct dispatch *dispatch, struct lane *lane, struct worker *worker,
                             uint64_t now_us)
{
    bool is_working = worker->held_count > 0;
    uint64_t limit_us = worker->state == WORKER_STARTING ? START_DEADLINE_US
                        : is_working                     ? lane->deadline_us
                                                         : IDLE_US;
    uint64_t age_us = now_us - worker->since_us;
    if (age_us >= limit_us || (!is_working && worker->jobs_done >= dispatch->jobs_per_worker)) {
        worker_overdue(dispatch, lane, worker, now_us);
        return now_us;
    }
    if (!is_working)
        return worker->since_us + limit_us;
    if (age_us >= WATCH_US && process_resident_bytes(&worker->process) > dispatch->memory_bytes) {
        worker_end(dispatch, lane, worker, MEDIA_OUT_OF_MEMORY);
        return now_us;
    }
    uint64_t next_us = now_us + WATCH_US;
    return next_us < worker->since_us + limit_us ? next_us : worker->since_us + limit_us;
}

/* --- lanes --- */

static void lane_refuse(struct dispatch *dispatch, struct lane *lane, enum media_outcome outcome)
{
    for (struct job *job; (job = queue_pop(dispatch, lane));)
        job->on_done(job, outcome, NULL);
}

/* The ready worker with the fewest jobs and room for one more; NULL when none. */
static struct worker *lane_choose(struct dispatch *dispatch, struct lane *lane)
{
    struct worker *best = NULL;
    for (unsigned i = 0; i < lane->worker_count; i++) {
        struct worker *worker = &lane->workers[i];
        if (worker->state == WORKER_READY && worker->held_count < lane->depth &&
            worker->jobs_done < dispatch->jobs_per_worker &&
            (!best || worker->held_count < best->held_count))
            best = worker;
    }
    return best;
}

static void lane_feed(struct dispatch *dispatch, struct lane *lane, uint64_t now_us)
{
    struct worker *worker;
    while ((worker = lane_choose(dispatch, lane))) {
        struct job *job = queue_pop(dispatch, lane);
        if (!job)
            return;
        if (!worker_give(dispatch, worker, job, now_us)) {
            queue_return(dispatch, lane, job);
            worker_read(dispatch, lane, worker,
                        now_us); /* it is dying: what it had answered counts */
            if (worker->state != WORKER_ABSENT)
                worker_end(dispatch, lane, worker, MEDIA_CRASHED);
        }
    }
}

/* Starts workers for what still waits: as many as there are jobs, at most the lane's count. */
static void lane_grow(struct dispatch *dispatch, struct lane *lane, uint64_t now_us)
{
    size_t waiting = queue_size(dispatch, lane);
    for (unsigned i = 0; i < lane->worker_count && waiting; i++) {
        struct worker *worker = &lane->workers[i];
        if (worker->state == WORKER_READY)
            continue;
        waiting--;
        if (worker->state == WORKER_ABSENT && lane->failed_starts < MAX_FAILED_STARTS)
            worker_start(dispatch, lane, worker, now_us);
    }
    if (lane->failed_starts >= MAX_FAILED_STARTS) {
        lane_refuse(dispatch, lane, MEDIA_NO_WORKER);
        lane->failed_starts = 0; /* the next job tries again */
    }
}

static uint64_t lane_watch(struct dispatch *dispatch, struct lane *lane, uint64_t now_us)
{
    uint64_t next_us = UINT64_MAX;
    for (unsigned i = 0; i < lane->worker_count; i++) {
        struct worker *worker = &lane->workers[i];
        if (worker->state == WORKER_ABSENT)
            continue;
        uint64_t at_us = worker_watch(dispatch, lane, worker, now_us);
        next_us = at_us < next_us ? at_us : next_us;
    }
    return next_us;
}

/* --- the thread --- */

struct polled {
    struct pollfd fds[1 + LANE_COUNT * MAX_WORKERS];
    struct lane *lanes[1 + LANE_COUNT * MAX_WORKERS];
    struct worker *workers[1 + LANE_COUNT * MAX_WORKERS];
    nfds_t count;
};

static void gather(struct dispatch *dispatch, struct polled *polled)
{
    polled->fds[0] = (struct pollfd){.fd = dispatch->wake, .events = POLLIN};
    polled->count = 1;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        for (unsigned j = 0; j < dispatch->lanes[i].worker_count; j++) {
            struct worker *worker = &dispatch->lanes[i].workers[j];
            if (worker->state == WORKER_ABSENT)
                continue;
            polled->fds[polled->count] =
                (struct pollfd){.fd = worker->process.socket, .events = POLLIN};
            polled->lanes[polled->count] = &dispatch->lanes[i];
            polled->workers[polled->count++] = worker;
        }
    }
}

static int timeout_ms(uint64_t at_us, uint64_t now_us)
{
    if (at_us == UINT64_MAX)
        return -1;
    return at_us <= now_us ? 0 : (int)((at_us - now_us) / 1000 + 1);
}

static bool is_stopping(struct dispatch *dispatch)
{
    pthread_mutex_lock(&dispatch->lock);
    bool stopping = dispatch->is_stopping;
    pthread_mutex_unlock(&dispatch->lock);
    return stopping;
}

static void turn(struct dispatch *dispatch, struct polled *polled)
{
    uint64_t now_us = clock_monotonic_us(), next_us = UINT64_MAX;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_feed(dispatch, &dispatch->lanes[i], now_us);
        lane_grow(dispatch, &dispatch->lanes[i], now_us);
        uint64_t at_us = lane_watch(dispatch, &dispatch->lanes[i], now_us);
        next_us = at_us < next_us ? at_us : next_us;
        if (dispatch->lanes[i].failed_starts)
            next_us = now_us; /* again at once, up to the limit */
    }
    gather(dispatch, polled);
    if (poll(polled->fds, polled->count, timeout_ms(next_us, now_us)) <= 0)
        return;
    eventfd_t value;
    if (polled->fds[0].revents)
        (void)eventfd_read(dispatch->wake, &value);
    now_us = clock_monotonic_us();
    for (nfds_t i = 1; i < polled->count; i++)
        if (polled->fds[i].revents)
            worker_read(dispatch, polled->lanes[i], polled->workers[i], now_us);
}

static void *run(void *context)
{
    struct dispatch *dispatch = context;
    struct polled polled;
    while (!is_stopping(dispatch))
        turn(dispatch, &polled);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &dispatch->lanes[i];
        for (unsigned j = 0; j < lane->worker_count; j++)
            if (lane->workers[j].state != WORKER_ABSENT)
                worker_end(dispatch, lane, &lane->workers[j], MEDIA_BUSY);
        lane_refuse(dispatch, lane, MEDIA_BUSY);
    }
    return NULL;
}

static unsigned or_default(unsigned value, unsigned fallback) { return value ? value : fallback; }

static unsigned processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (unsigned)online;
}

static void lane_init(struct lane *lane, const char *role, unsigned workers, unsigned depth,
                      unsigned deadline_ms)
{
    lane->role = role;
    lane->worker_count = workers < MAX_WORKERS ? workers : MAX_WORKERS;
    lane->depth = depth;
    lane->deadline_us = (uint64_t)deadline_ms * 1000;
    lane->last = &lane->first;
}

struct dispatch *dispatch_start(const struct media_config *config)
{
    struct dispatch *dispatch = MEM_NEW(struct dispatch);
    pthread_mutex_init(&dispatch->lock, NULL);
    dispatch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(dispatch->wake >= 0);
    dispatch->path = mem_strdup(config->worker_path);
    dispatch->memory_bytes = or_default(config->worker_memory_bytes, 512U << 20);
    dispatch->jobs_per_worker = or_default(config->jobs_per_worker, 20000);
    dispatch->max_queued = or_default(config->max_queued, 1024);
    lane_init(&dispatch->lanes[LANE_PROBE], "probe",
              or_default(config->probe_workers, processors()), MAX_DEPTH,
              or_default(config->probe_deadline_ms, 10000));
    dispatch->lanes[LANE_PROBE].is_background = config->is_background;
    lane_init(&dispatch->lanes[LANE_ARTWORK], "artwork", or_default(config->artwork_workers, 1), 1,
              or_default(config->artwork_deadline_ms, 10000));
    if (pthread_create(&dispatch->thread, NULL, run, dispatch) != 0)
        abort();
    return dispatch;
}

void dispatch_stop(struct dispatch **dispatch_p)
{
    struct dispatch *dispatch = *dispatch_p;
    if (!dispatch)
        return;
    pthread_mutex_lock(&dispatch->lock);
    dispatch->is_stopping = true;
    pthread_mutex_unlock(&dispatch->lock);
    (void)eventfd_write(dispatch->wake, 1);
    pthread_join(dispatch->thread, NULL);
    close(dispatch->wake);
    pthread_mutex_destroy(&dispatch->lock);
    mem_free(dispatch->path);
    mem_free_p(dispatch_p);
}
