// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"

static int64_t values[COUNTER_COUNT];

static const struct {
    const char *name, *help, *type;
} rows[] = {
#define COUNTER(id, name, help) {name, help, "counter"},
#define GAUGE(id, name, help) {name, help, "gauge"},
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
};

void counter_add(enum counter counter, int64_t amount)
{
    __atomic_fetch_add(&values[counter], amount, __ATOMIC_RELAXED);
}

void counter_set(enum counter counter, int64_t value)
{
    __atomic_store_n(&values[counter], value, __ATOMIC_RELAXED);
}

int64_t counter_get(enum counter counter)
{
    return __atomic_load_n(&values[counter], __ATOMIC_RELAXED);
}

void counters_write_prometheus(struct buffer *out)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        buffer_printf(out, "# HELP sostenuto_%s %s\n# TYPE sostenuto_%s %s\nsostenuto_%s %lld\n",
                      rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
                      (long long)counter_get((enum counter)i));
}
