// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/origin.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/hash.h"
#include "base/mem.h"
#include "edge/allowance.h"
#include "edge/health.h"
#include "edge/hedge.h"
#include "edge/silence.h"
#include "io/client.h"
#include "io/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum {
    RETRIES_SAVED = 10, /* a quiet node may try twice a few times at once */
    HEDGES_SAVED = 4,
    PATIENCE_LEAST_US = 50 * 1000, /* nobody hears a difference below it */
};

struct origin {
    char *url;
    struct health health;
    unsigned probe_status;
    uint64_t probes, probe_us;
};

struct origins {
    struct fetch_limits limits;
    struct health_limits health_limits;
    char *ca_file;
    struct node_tls *nodes;
    bool may_have_nothing;
    size_t count;
    pthread_mutex_t lock; /* of what follows */
    struct origin each[ORIGINS_MAX];
    struct allowance retries, hedges;
    struct hedge_times times;
    struct silence silence;
    uint64_t drawn; /* the last random number */
};

struct fetch_limits fetch_limits_default(void)
{
    return (struct fetch_limits){
#define LIMIT(name, type, standard, help) .name = (standard),
#include "edge/fetch.def"
#undef LIMIT
    };
}

static bool is_sound(const struct origins_config *config, char *why, size_t why_size)
{
    if ((config->url_count == 0) != config->has_none || config->url_count > ORIGINS_MAX) {
        snprintf(why, why_size, "one to %d origins can be named, not %zu", ORIGINS_MAX,
                 config->url_count);
        return false;
    }
    for (size_t i = 0; i < config->url_count; i++) {
        if (client_url_is_sound(text_of(config->urls[i])))
            continue;
        snprintf(why, why_size,
                 "%.200s is no origin: write http://HOST[:PORT] or https://HOST[:PORT]",
                 config->urls[i]);
        return false;
    }
    if (config->ca_file && access(config->ca_file, R_OK) != 0) {
        snprintf(why, why_size, "%.200s cannot be read", config->ca_file);
        return false;
    }
    return true;
}

struct origins *origins_new(const struct origins_config *config, char *why, size_t why_size)
{
    if (!is_sound(config, why, why_size))
        return NULL;
    struct origins *origins = MEM_NEW(struct origins);
    origins->limits = config->limits;
    origins->health_limits =
        (struct health_limits){.failures = config->limits.breaker_failures,
                               .probe_us = config->limits.breaker_probe_ms * UINT64_C(1000)};
    origins->nodes = config->nodes;
    origins->may_have_nothing = config->may_have_nothing;
    origins->ca_file = config->ca_file ? mem_strdup(config->ca_file) : NULL;
    origins->count = config->url_count;
    for (size_t i = 0; i < config->url_count; i++)
        origins->each[i].url = mem_strdup(config->urls[i]);
    allowance_init(&origins->retries, GUARD_RETRY_BUDGET, config->limits.retry_percent,
                   RETRIES_SAVED, RETRIES_SAVED);
    allowance_init(&origins->hedges, GUARD_HEDGE_BUDGET, config->limits.hedge_percent, HEDGES_SAVED,
                   0);
    hedge_times_init(&origins->times, config->limits.hedge_percent);
    origins->drawn = config->seed ? config->seed : random_u64();
    pthread_mutex_init(&origins->lock, NULL);
    return origins;
}

void origins_free(struct origins **origins)
{
    if (!*origins)
        return;
    for (size_t i = 0; i < (*origins)->count; i++)
        mem_free((*origins)->each[i].url);
    mem_free((*origins)->ca_file);
    pthread_mutex_destroy(&(*origins)->lock);
    mem_free_p(origins);
}

const struct fetch_limits *origins_limits(const struct origins *origins)
{
    return &origins->limits;
}

size_t origins_count(const struct origins *origins) { return origins->count; }

struct text origins_url(const struct origins *origins, size_t i)
{
    assert(i < origins->count);
    return text_of(origins->each[i].url);
}

bool origins_may_have_nothing(const struct origins *origins) { return origins->may_have_nothing; }

struct node_tls *origins_nodes(const struct origins *origins) { return origins->nodes; }

const char *origins_ca_file(const struct origins *origins) { return origins->ca_file; }

static void lock(struct origins *origins) { pthread_mutex_lock(&origins->lock); }
static void unlock(struct origins *origins) { pthread_mutex_unlock(&origins->lock); }

/* --- health --- */

bool origins_are_alive(struct origins *origins)
{
    bool is_alive = false;
    lock(origins);
    for (size_t i = 0; i < origins->count; i++)
        is_alive |= origins->each[i].health.state == HEALTH_GOOD;
    unlock(origins);
    return is_alive;
}

static size_t first_alive(const struct origins *origins, uint32_t avoid)
{
    for (size_t i = 0; i < origins->count; i++)
        if (!(avoid >> i & 1) && origins->each[i].health.state == HEALTH_GOOD)
            return i;
    return ORIGIN_NONE;
}

size_t origins_choose(struct origins *origins, uint32_t avoid, uint64_t now_us, bool *ret_is_probe)
{
    *ret_is_probe = false;
    lock(origins);
    size_t chosen = first_alive(origins, avoid);
    if (chosen == ORIGIN_NONE)
        chosen = first_alive(origins, 0);
    for (size_t i = 0; i < origins->count && chosen == ORIGIN_NONE; i++) {
        enum health_verdict verdict =
            health_ask(&origins->each[i].health, &origins->health_limits, now_us);
        *ret_is_probe = verdict == HEALTH_PROBE;
        if (verdict != HEALTH_REFUSE)
            chosen = i;
    }
    unlock(origins);
    return chosen;
}

bool origins_have_other(struct origins *origins, uint32_t tried)
{
    lock(origins);
    bool has_other = first_alive(origins, tried) != ORIGIN_NONE;
    unlock(origins);
    return has_other;
}

void origins_succeeded(struct origins *origins, size_t origin, uint64_t now_us)
{
    lock(origins);
    health_succeed(&origins->each[origin].health, now_us);
    unlock(origins);
}

static uint64_t draw(struct origins *origins)
{
    origins->drawn = hash_mix(origins->drawn + UINT64_C(0x9e3779b97f4a7c15));
    return origins->drawn;
}

void origins_failed(struct origins *origins, size_t origin, uint64_t known_us, uint64_t now_us)
{
    struct health *health = &origins->each[origin].health;
    counter_add(COUNTER_ORIGIN_FAILURES, 1);
    lock(origins);
    bool was_good = health->state == HEALTH_GOOD;
    uint64_t jitter_us = draw(origins) % (origins->health_limits.probe_us / 4 + 1);
    health_fail(health, &origins->health_limits, known_us, now_us, jitter_us);
    bool has_died = was_good && health->state == HEALTH_DEAD;
    unlock(origins);
    if (has_died)
        counter_add(COUNTER_ORIGIN_DEATHS, 1);
}

void origins_gave_up(struct origins *origins, bool is_probe, size_t origin, uint64_t now_us)
{
    if (!is_probe)
        return;
    lock(origins);
    health_give_up(&origins->each[origin].health, now_us);
    unlock(origins);
}

/* --- probes --- */

bool origins_may_probe(struct origins *origins, size_t origin, uint64_t now_us, bool *ret_is_probe)
{
    lock(origins);
    enum health_verdict verdict =
        health_ask(&origins->each[origin].health, &origins->health_limits, now_us);
    unlock(origins);
    *ret_is_probe = verdict == HEALTH_PROBE;
    return verdict != HEALTH_REFUSE;
}

void origins_probed(struct origins *origins, size_t origin, unsigned status, uint64_t took_us)
{
    struct origin *own = &origins->each[origin];
    lock(origins);
    own->probes++;
    own->probe_status = status;
    own->probe_us = took_us;
    unlock(origins);
    counter_add(COUNTER_ORIGIN_PROBES, 1);
    counter_add(COUNTER_ORIGIN_PROBES_FAILED, status == 0 || status >= 500);
}

void origins_look(struct origins *origins, size_t origin, struct origin_view *ret)
{
    const struct origin *own = &origins->each[origin];
    lock(origins);
    *ret = (struct origin_view){.url = text_of(own->url),
                                .is_alive = own->health.state == HEALTH_GOOD,
                                .failures = own->health.failures,
                                .probe_status = own->probe_status,
                                .probes = own->probes,
                                .probe_us = own->probe_us};
    unlock(origins);
}

static void write_gauge(struct origins *origins, struct buffer *out, const char *name,
                        const char *help, uint64_t (*value_of)(const struct origin_view *))
{
    struct origin_view view;
    buffer_printf(out, "# HELP sostenuto_%s %s\n# TYPE sostenuto_%s gauge\n", name, help, name);
    for (size_t i = 0; i < origins->count; i++) {
        origins_look(origins, i, &view);
        buffer_printf(out, "sostenuto_%s{origin=\"%.*s\"} %llu\n", name, TEXT_ARGS(view.url),
                      (unsigned long long)value_of(&view));
    }
}

static uint64_t is_alive(const struct origin_view *view) { return view->is_alive; }
static uint64_t failures(const struct origin_view *view) { return view->failures; }
static uint64_t probe_status(const struct origin_view *view) { return view->probe_status; }

void origins_write_prometheus(struct origins *origins, struct buffer *out)
{
    write_gauge(origins, out, "origin_up", "1 while this origin is not taken for dead.", is_alive);
    write_gauge(origins, out, "origin_failures_in_a_row", "Of this origin, up to now.", failures);
    write_gauge(origins, out, "origin_probe_status",
                "What this origin last answered to origin_probe; 0: nothing, or not asked.",
                probe_status);
}

/* --- budgets --- */

void origins_earn(struct origins *origins)
{
    lock(origins);
    allowance_earn(&origins->retries);
    allowance_earn(&origins->hedges);
    unlock(origins);
}

static bool may(struct origins *origins, struct allowance *allowance, enum counter refused)
{
    lock(origins);
    bool is_paid = allowance_spend(allowance);
    unlock(origins);
    if (!is_paid)
        counter_add(refused, 1);
    return is_paid;
}

bool origins_may_retry(struct origins *origins)
{
    return may(origins, &origins->retries, COUNTER_ORIGIN_RETRIES_REFUSED);
}

bool origins_may_hedge(struct origins *origins)
{
    return may(origins, &origins->hedges, COUNTER_ORIGIN_HEDGES_REFUSED);
}

uint64_t origins_hedge_delay_us(struct origins *origins)
{
    lock(origins);
    uint64_t us = hedge_delay_us(&origins->times);
    unlock(origins);
    return us;
}

void origins_first_byte(struct origins *origins, uint64_t us)
{
    lock(origins);
    hedge_times_add(&origins->times, us);
    unlock(origins);
}

/* --- silence --- */

void origins_spoke(struct origins *origins, uint64_t now_us)
{
    lock(origins);
    silence_end(&origins->silence, now_us);
    unlock(origins);
}

bool origins_are_silent(struct origins *origins)
{
    lock(origins);
    bool are = origins->silence.is_silent;
    unlock(origins);
    return are;
}

uint64_t origins_patience_us(struct origins *origins, uint64_t most_us)
{
    bool is_well = false;
    lock(origins);
    for (size_t i = 0; i < origins->count; i++)
        is_well |= origins->each[i].health.state == HEALTH_GOOD;
    is_well = is_well && !origins->silence.is_silent;
    uint64_t us = hedge_usual_us(&origins->times);
    unlock(origins);
    if (us == 0 || us > most_us)
        us = most_us;
    if (us < PATIENCE_LEAST_US && us < most_us)
        us = PATIENCE_LEAST_US < most_us ? PATIENCE_LEAST_US : most_us;
    return is_well ? us : 0;
}

bool origins_may_ask_beside(struct origins *origins, uint64_t waited_us, uint64_t most_us,
                            uint64_t now_us)
{
    lock(origins);
    bool are_silent = origins->silence.is_silent ||
                      (waited_us >= most_us && silence_hear(&origins->silence, most_us, now_us));
    unlock(origins);
    return are_silent || !origins_are_alive(origins) || origins_may_hedge(origins);
}

uint64_t origins_jittered_us(struct origins *origins, uint64_t us)
{
    lock(origins);
    uint64_t drawn = us / 2 + draw(origins) % (us / 2 + 1);
    unlock(origins);
    return drawn;
}
