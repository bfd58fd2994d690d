// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "tap.h"

#include <pthread.h>

enum { THREADS = 200, TIMES = 1000 };

static pthread_barrier_t all_are_there;

static void *count(void *context)
{
    if (context)
        pthread_barrier_wait(&all_are_there);
    for (int i = 0; i < TIMES; i++)
        counter_add(COUNTER_REQUESTS, 1);
    counter_add(COUNTER_CONNECTIONS_OPEN, -1);
    return NULL;
}

static void test_threads_at_once(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&all_are_there, NULL, THREADS);
    counter_add(COUNTER_CONNECTIONS_OPEN, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count, &all_are_there))
            return;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all_are_there);
    OK(counter_get(COUNTER_REQUESTS) == THREADS * TIMES,
       "nothing is lost when more threads count than there are rows");
    OK(counter_get(COUNTER_CONNECTIONS_OPEN) == 0, "what one thread adds another may take away");
}

static void test_threads_in_turn(void)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, count, NULL) == 0)
            pthread_join(thread, NULL);
    }
    OK(counter_get(COUNTER_REQUESTS) == 2 * THREADS * TIMES,
       "a thread that ends leaves its numbers behind");
}

static void test_gauge(void)
{
    counter_set(COUNTER_READY, 1);
    counter_add(COUNTER_READY, 4);
    counter_set(COUNTER_READY, 2);
    OK(counter_get(COUNTER_READY) == 2, "a gauge is what it was set to last");
    struct buffer out;
    buffer_init(&out, 1 << 20);
    counters_write_prometheus(&out);
    OK(text_contains(buffer_view(&out), TEXT("# TYPE sostenuto_ready gauge\nsostenuto_ready 2\n")),
       "and is written for Prometheus");
    buffer_release(&out);
}

int main(void)
{
    test_threads_at_once();
    test_threads_in_turn();
    test_gauge();
    return tap_done();
}
