// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/loop.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/timers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * One turn: wait for events until the next timer, run descriptors' callbacks, run due timers, run
 * messages. A callback may remove any watch, its own too: loop_watch_remove() blanks what is still
 * to come for it in the current batch.
 *
 * Whoever posts wakes us only when we sleep.  Before sleeping we say so and then look for messages;
 * a sender puts his message and then looks whether we sleep: in one total order of these four one
 * of us sees the other, so no message waits for an unrelated event.
 */
enum {
    BATCH_EVENTS = 256,
    TIMERS_PER_TURN =
        4096, /* a timer that restarts itself in the past must not starve descriptors */
    MAX_MESSAGES = 1 << 20, /* beyond, somebody posts without bound: our bug */
};

struct message {
    loop_call *call;
    void *context;
};

struct messages {
    struct message *items;
    size_t count, capacity;
};

struct loop {
    int epoll_fd;
    uint64_t now_us;
    struct timers timers;
    struct epoll_event batch[BATCH_EVENTS];
    int batch_at, batch_count;
    struct loop_watch wake; /* eventfd: messages, stop */
    atomic_bool is_stopping;
    atomic_bool is_asleep;   /* or about to be: the next sender wakes us */
    atomic_size_t waiting;   /* posted.count, for a look without the lock */
    pthread_mutex_t lock;    /* guards posted */
    struct messages posted;  /* by any thread */
    struct messages running; /* swapped with posted, read by the loop alone */
};

static void on_wake(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    (void)got; /* EAGAIN: somebody else's wake was taken with it */
}

static void wake(struct loop *loop)
{
    int saved = errno; /* also called in signal handlers */
    uint64_t one = 1;
    ssize_t put = write(loop->wake.fd, &one, sizeof one);
    (void)put; /* EAGAIN: already awake 2^64-1 times */
    errno = saved;
}

struct loop *loop_new(void)
{
    struct loop *loop = MEM_NEW(struct loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct loop_watch){.on_events = on_wake, .wanted = LOOP_READ};
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(loop->epoll_fd >= 0 && loop->wake.fd >= 0);
    loop->now_us = clock_monotonic_us();
    pthread_mutex_init(&loop->lock, NULL);
    signal(SIGPIPE, SIG_IGN); /* sendfile() has no MSG_NOSIGNAL */
    int failed = loop_watch_add(loop, &loop->wake);
    assert(!failed);
    return loop;
}

/* Runs what was posted before; what these post waits for the next turn. */
static bool run_messages(struct loop *loop)
{
    if (atomic_load_explicit(&loop->waiting, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&loop->lock);
    struct messages taken = loop->posted;
    loop->posted = loop->running;
    loop->posted.count = 0;
    atomic_store_explicit(&loop->waiting, 0, memory_order_relaxed);
    pthread_mutex_unlock(&loop->lock);
    loop->running = taken;
    for (size_t i = 0; i < taken.count; i++)
        taken.items[i].call(taken.items[i].context);
    return taken.count > 0;
}

void loop_free(struct loop **loop_at)
{
    struct loop *loop = *loop_at;
    if (!loop)
        return;
    while (run_messages(loop))
        ;
    loop_watch_remove(&loop->wake);
    close(loop->wake.fd);
    close(loop->epoll_fd);
    timers_release(&loop->timers);
    mem_free(loop->posted.items);
    mem_free(loop->running.items);
    pthread_mutex_destroy(&loop->lock);
    mem_free_p(loop_at);
}

static int wait_ms(const struct loop *loop)
{
    uint64_t next_us = timers_next_us(&loop->timers);
    if (atomic_load(&loop->waiting) > 0)
        return 0;
    if (next_us == UINT64_MAX)
        return -1;
    uint64_t now_us = clock_monotonic_us();
    if (next_us <= now_us)
        return 0;
    uint64_t ms = (next_us - now_us + 999) / 1000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

static void run_timers(struct loop *loop)
{
    for (int i = 0; i < TIMERS_PER_TURN; i++) {
        struct loop_timer *timer = timers_take_due(&loop->timers, loop->now_us);
        if (!timer)
            return;
        timer->on_timer(timer, loop->now_us);
    }
}

static unsigned events_of(uint32_t epoll_events)
{
    return (epoll_events & EPOLLIN ? LOOP_READ : 0u) | (epoll_events & EPOLLOUT ? LOOP_WRITE : 0u) |
           (epoll_events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0u);
}

static void run_batch(struct loop *loop)
{
    for (loop->batch_at = 0; loop->batch_at < loop->batch_count; loop->batch_at++) {
        const struct epoll_event *event = &loop->batch[loop->batch_at];
        struct loop_watch *watch = event->data.ptr;
        if (watch)
            watch->on_events(watch, events_of(event->events), loop->now_us);
    }
    loop->batch_at = loop->batch_count = 0;
}

static void turn(struct loop *loop)
{
    atomic_store(&loop->is_asleep, true);
    int count = epoll_wait(loop->epoll_fd, loop->batch, BATCH_EVENTS, wait_ms(loop));
    assert(count >= 0 || errno == EINTR);
    atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
    loop->now_us = clock_monotonic_us();
    loop->batch_count = count > 0 ? count : 0;
    run_batch(loop);
    run_timers(loop);
    run_messages(loop);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->is_stopping))
        turn(loop);
    atomic_store(&loop->is_stopping, false);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->is_stopping, true);
    wake(loop);
}

bool loop_is_asleep(const struct loop *loop) { return atomic_load(&loop->is_asleep); }

uint64_t loop_now_us(const struct loop *loop) { return loop->now_us; }

static struct epoll_event event_for(struct loop_watch *watch)
{
    return (struct epoll_event){
        .events = (watch->wanted & LOOP_READ ? EPOLLIN : 0u) |
                  (watch->wanted & LOOP_WRITE ? EPOLLOUT : 0u) |
                  (watch->wanted & LOOP_EXCLUSIVE ? EPOLLEXCLUSIVE : 0u),
        .data.ptr = watch,
    };
}

int loop_watch_add(struct loop *loop, struct loop_watch *watch)
{
    assert(!watch->_loop);
    struct epoll_event event = event_for(watch);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
        return -errno;
    watch->_loop = loop;
    return 0;
}

void loop_watch_set(struct loop_watch *watch, unsigned wanted)
{
    if (watch->wanted == wanted)
        return;
    watch->wanted = wanted;
    struct epoll_event event = event_for(watch);
    int failed = epoll_ctl(watch->_loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
    assert(!failed);
}

void loop_watch_remove(struct loop_watch *watch)
{
    struct loop *loop = watch->_loop;
    if (!loop)
        return;
    int failed = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    assert(!failed);
    for (int i = loop->batch_at; i < loop->batch_count; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
    watch->_loop = NULL;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t at_us)
{
    assert(!timer->_position || timer->_loop == loop);
    timer->_loop = loop;
    timers_put(&loop->timers, timer, at_us);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->_position)
        timers_remove(&timer->_loop->timers, timer);
}

void loop_post(struct loop *loop, loop_call *call, void *context)
{
    pthread_mutex_lock(&loop->lock);
    struct messages *posted = &loop->posted;
    if (posted->count == posted->capacity) {
        assert(posted->capacity < MAX_MESSAGES);
        posted->capacity = posted->capacity ? posted->capacity * 2 : 16;
        posted->items = mem_realloc_array(posted->items, posted->capacity, sizeof *posted->items);
    }
    posted->items[posted->count++] = (struct message){call, context};
    atomic_store(&loop->waiting, posted->count);
    pthread_mutex_unlock(&loop->lock);
    if (atomic_load(&loop->is_asleep) && atomic_exchange(&loop->is_asleep, false))
        wake(loop);
}
