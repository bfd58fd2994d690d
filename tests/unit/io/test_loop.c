// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/clock.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/signals.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;

/* --- timers --- */
static char order[8];
static size_t fired;

static void on_timer_a(struct loop_timer *timer UNUSED, uint64_t now_us UNUSED)
{
    order[fired++] = 'a';
}
static void on_timer_b(struct loop_timer *timer, uint64_t now_us)
{
    order[fired++] = 'b';
    if (fired < 4)
        loop_timer_start(loop, timer, now_us + 1000);
    else
        loop_stop(loop);
}

static void test_timers(void)
{
    struct loop_timer a = {.on_timer = on_timer_a}, b = {.on_timer = on_timer_b};
    uint64_t start_us = clock_monotonic_us();
    loop_timer_start(loop, &a, start_us + 2000);
    loop_timer_start(loop, &b, start_us + 5000);
    loop_run(loop);
    OK_TEXT(text_make(order, fired), TEXT("abbb"),
            "timers fire in order of time, and may start themselves again");
    OK(clock_monotonic_us() - start_us >= 7000, "and never early");
    loop_timer_stop(&a);
    OK(!a._position, "stopping an idle timer is fine");
}

/* --- descriptors --- */
struct end {
    struct loop_watch watch;
    struct end *victim;
    unsigned calls, seen;
};

static void on_end(struct loop_watch *watch, unsigned events, uint64_t now_us UNUSED)
{
    struct end *end = CONTAINER_OF(watch, struct end, watch);
    end->calls++;
    end->seen |= events;
    if (end->victim)
        loop_watch_remove(&end->victim->watch);
    loop_watch_remove(watch);
    loop_stop(loop);
}

static bool socketpair_made(int pair[2])
{
    bool is_made = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
    OK(is_made, "two sockets are joined");
    return is_made;
}

static void test_removal_within_a_batch(void)
{
    int pairs[2][2];
    struct end ends[2] = {0};
    for (int i = 0; i < 2; i++) {
        if (!socketpair_made(pairs[i]))
            return;
        ends[i] =
            (struct end){.watch = {.on_events = on_end, .fd = pairs[i][0], .wanted = LOOP_READ},
                         .victim = &ends[1 - i]};
        OK(loop_watch_add(loop, &ends[i].watch) == 0, "a socket is watched");
        OK(write(pairs[i][1], "x", 1) == 1, "and readable");
    }
    loop_run(loop);
    OK(ends[0].calls + ends[1].calls == 1,
       "a watch removed by another's callback is not called any more");
    for (int i = 0; i < 2; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

static void test_hangup_and_write(void)
{
    int pair[2];
    if (!socketpair_made(pair))
        return;
    struct end end = {.watch = {.on_events = on_end, .fd = pair[0], .wanted = 0}};
    OK(loop_watch_add(loop, &end.watch) == 0, "a watch may want nothing at first");
    loop_watch_set(&end.watch, LOOP_WRITE);
    loop_run(loop);
    OK(end.seen == LOOP_WRITE, "a change of mind is heard: writable");
    end.watch.wanted = 0;
    OK(loop_watch_add(loop, &end.watch) == 0, "a removed watch may be added again");
    close(pair[1]);
    loop_run(loop);
    OK(end.seen & LOOP_HANGUP, "a hang-up comes unasked");
    close(pair[0]);
    struct end file = {.watch = {.on_events = on_end, .fd = -1}};
    OK(loop_watch_add(loop, &file.watch) == -EBADF, "a bad descriptor is an error, not a crash");
}

/* --- messages --- */
enum { SENDERS = 4, EACH = 500 };
static int next_of[SENDERS], received;
static bool in_order = true;

static void on_message(void *context)
{
    int number = (int)(intptr_t)context, sender = number / EACH;
    in_order &= number % EACH == next_of[sender]++;
    if (++received == SENDERS * EACH)
        loop_stop(loop);
}

static void *send_messages(void *context)
{
    for (int i = 0; i < EACH; i++)
        loop_post(loop, on_message, (void *)((intptr_t)context + i));
    return NULL;
}

static void test_messages(void)
{
    pthread_t threads[SENDERS];
    for (intptr_t i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_messages, (void *)(i * EACH));
    loop_run(loop);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    OK(received == SENDERS * EACH, "every message of four threads arrives");
    OK(in_order, "in the order in which each sender posted");
}

static void count_message(void *context) { ++*(int *)context; }

static void test_messages_at_the_end(void)
{
    struct loop *other = loop_new();
    int count = 0;
    loop_post(other, count_message, &count);
    loop_stop(other);
    loop_run(other);
    loop_post(other, count_message, &count);
    loop_free(&other);
    OK(count == 2 && !other, "loop_free() runs what was posted and frees");
}

/* --- signals --- */
static int signal_seen;
static void on_signal(int number, void *context UNUSED)
{
    signal_seen = number;
    loop_stop(loop);
}

static void test_signals(void)
{
    struct signals *signals = signals_start(loop, (int[]){SIGUSR1, SIGHUP, 0}, on_signal, NULL);
    raise(SIGHUP);
    loop_run(loop);
    OK(signal_seen == SIGHUP, "a signal is an event of the loop");
    signals_stop(&signals);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    OK(!sigismember(&mask, SIGHUP) && !signals, "and the mask is as before when they stop");
}

static void test_clock_and_random(void)
{
    OK(clock_unix_ms() > 1700000000000, "the clock knows that it is after 2023");
    OK(random_u64() != random_u64(), "two random numbers differ");
}

int main(void)
{
    loop = loop_new();
    test_timers();
    test_removal_within_a_batch();
    test_hangup_and_write();
    test_messages();
    test_messages_at_the_end();
    test_signals();
    test_clock_and_random();
    loop_free(&loop);
    return tap_done();
}
