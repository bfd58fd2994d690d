// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

/*
 * Each thread counts in a row of its own, on cache lines that no other thread writes; reading sums
 * the rows.  A row is given back when its thread ends and keeps its numbers for the next one.  Row
 * 0 is shared by the threads that came when no row was free.
 */
enum { ROWS = 128 };

struct row {
    alignas(64) _Atomic int64_t values[COUNTER_COUNT];
};

static struct {
    struct row rows[ROWS];
    atomic_bool is_taken[ROWS];
    pthread_once_t once;
    pthread_key_t key; /* tells when a thread ends */
} counters = {.once = PTHREAD_ONCE_INIT};

static _Thread_local struct row *own;

static const struct {
    const char *name, *help, *type;
    bool is_microseconds;
} descriptions[] = {
#define COUNTER(id, name, help) {name, help, "counter", false},
#define GAUGE(id, name, help) {name, help, "gauge", false},
#define MICROSECONDS(id, name, help) {name, help, "counter", true},
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef MICROSECONDS
};

/* --- rows --- */

static void give_back(void *row)
{
    own = &counters.rows[0]; /* what other destructors still count */
    atomic_store(&counters.is_taken[(struct row *)row - counters.rows], false);
}

static void make_key(void) { (void)pthread_key_create(&counters.key, give_back); }

static struct row *take_row(void)
{
    pthread_once(&counters.once, make_key);
    for (size_t i = 1; i < ROWS; i++) {
        if (atomic_load_explicit(&counters.is_taken[i], memory_order_relaxed) ||
            atomic_exchange(&counters.is_taken[i], true))
            continue;
        if (pthread_setspecific(counters.key, &counters.rows[i]) == 0)
            return &counters.rows[i];
        atomic_store(&counters.is_taken[i], false);
        break;
    }
    return &counters.rows[0];
}

/* --- counting --- */

void counter_add(enum counter counter, int64_t amount)
{
    if (!own)
        own = take_row();
    _Atomic int64_t *value = &own->values[counter];
    if (own == &counters.rows[0])
        atomic_fetch_add_explicit(value, amount, memory_order_relaxed);
    else
        atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + amount,
                              memory_order_relaxed);
}

int64_t counter_get(enum counter counter)
{
    int64_t sum = 0;
    for (size_t i = 0; i < ROWS; i++)
        sum += atomic_load_explicit(&counters.rows[i].values[counter], memory_order_relaxed);
    return sum;
}

void counter_set(enum counter counter, int64_t value)
{
    atomic_fetch_add_explicit(&counters.rows[0].values[counter], value - counter_get(counter),
                              memory_order_relaxed);
}

void counters_write_prometheus(struct buffer *out)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        const char *name = descriptions[i].name;
        long long value = (long long)counter_get((enum counter)i);
        buffer_printf(out, "# HELP sostenuto_%s %s\n# TYPE sostenuto_%s %s\n", name,
                      descriptions[i].help, name, descriptions[i].type);
        if (descriptions[i].is_microseconds)
            buffer_printf(out, "sostenuto_%s %.6f\n", name, (double)value / 1e6);
        else
            buffer_printf(out, "sostenuto_%s %lld\n", name, value);
    }
}
