// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/prefetch.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"

#include <inttypes.h>
#include <pthread.h>

/*
 * prefetch: a table of sets of four, whose oldest goes for a new one; and two budgets.
 *
 *     nothing ─▶ COMING ─┬─▶ WAITING ─▶ nothing: asked for (used), or too old (wasted)
 *                        ├─▶ MISSING ─▶ nothing, after a while
 *                        └─▶ nothing
 */
enum {
    SETS = 1024,
    WAYS = 4,
    COMING_MS = 120 * 1000, /* its lead was cut with its loop */
    WAITING_MS = 600 * 1000,
    MISSING_MS = 60 * 1000,
    SWEEP_MS = 1000,
    FILL_MAX_MS = 3600 * 1000,
    DIGITS_MAX = 9,
};

enum kind { NOTHING, COMING, WAITING, MISSING };

struct entry {
    uint64_t key, bytes; /* COMING: how many are expected; WAITING: how many came */
    int64_t until_ms;
    enum kind kind;
    bool is_visited; /* while it came */
};

struct prefetch {
    struct prefetch_limits limits;
    pthread_mutex_t lock; /* of all below */
    int64_t tokens, filled_ms, swept_ms;
    uint64_t unused_bytes, expected_bytes; /* of one: what came of late, on average */
    uint32_t coming;
    struct entry entries[SETS][WAYS];
};

struct prefetch *prefetch_new(const struct prefetch_limits *limits)
{
    struct prefetch *prefetch = MEM_NEW(struct prefetch);
    prefetch->limits = *limits;
    prefetch->expected_bytes = limits->at_once ? limits->bytes_per_s / limits->at_once : 0;
    pthread_mutex_init(&prefetch->lock, NULL);
    return prefetch;
}

void prefetch_free(struct prefetch **prefetch)
{
    if (!*prefetch)
        return;
    pthread_mutex_destroy(&(*prefetch)->lock);
    mem_free_p(prefetch);
}

/* --- patterns --- */

static bool split(struct text pattern, struct text *ret_before, struct text *ret_after)
{
    size_t at = text_find_byte(pattern, '{');
    if (at == SIZE_MAX || !text_starts(text_from(pattern, at), TEXT("{n}")))
        return false;
    *ret_before = text_make(pattern.data, at);
    *ret_after = text_from(pattern, at + 3);
    return text_find_byte(*ret_after, '{') == SIZE_MAX;
}

bool prefetch_pattern_is_sound(struct text pattern)
{
    struct text before, after;
    return split(pattern, &before, &after) && before.size > 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool prefetch_next(struct text pattern, struct text target, struct buffer *out)
{
    struct text before, after;
    uint64_t number;
    size_t mark = text_find_byte(target, '?');
    struct text path = mark == SIZE_MAX ? target : text_make(target.data, mark);
    if (!split(pattern, &before, &after) || !text_ends(path, after))
        return false;
    size_t end = path.size - after.size, begin = end;
    while (begin > 0 && end - begin < DIGITS_MAX && is_digit(path.data[begin - 1]))
        begin--;
    if (!text_ends(text_make(path.data, begin), before) ||
        !text_to_u64(text_make(path.data + begin, end - begin), &number))
        return false;
    int width = path.data[begin] == '0' ? (int)(end - begin) : 1; /* "007" */
    buffer_text(out, text_make(path.data, begin));
    buffer_printf(out, "%0*" PRIu64, width, number + 1);
    buffer_text(out, after);
    buffer_text(out, text_from(target, path.size));
    return !out->overflowed;
}

/* --- the table --- */

static void clear(struct prefetch *prefetch, struct entry *entry)
{
    if (entry->kind == COMING) {
        prefetch->coming--;
        prefetch->tokens += (int64_t)entry->bytes;
    }
    if (entry->kind == COMING || entry->kind == WAITING)
        prefetch->unused_bytes -= entry->bytes;
    entry->kind = NOTHING;
}

static void age(struct prefetch *prefetch, struct entry *entry, int64_t now_ms)
{
    if (entry->kind == NOTHING || entry->until_ms > now_ms)
        return;
    if (entry->kind == WAITING)
        counter_add(COUNTER_PREFETCH_WASTED_BYTES, (int64_t)entry->bytes);
    clear(prefetch, entry);
}

static struct entry *find(struct prefetch *prefetch, uint64_t key, int64_t now_ms)
{
    struct entry *set = prefetch->entries[key % SETS], *found = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        age(prefetch, &set[i], now_ms);
        if (set[i].kind != NOTHING && set[i].key == key)
            found = &set[i];
    }
    return found;
}

/* What is coming stays: it will be told. */
static struct entry *make(struct prefetch *prefetch, uint64_t key)
{
    struct entry *set = prefetch->entries[key % SETS], *oldest = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].kind == NOTHING)
            return &set[i];
        if (set[i].kind != COMING && (!oldest || set[i].until_ms < oldest->until_ms))
            oldest = &set[i];
    }
    if (oldest)
        age(prefetch, oldest, INT64_MAX);
    return oldest;
}

static void set(struct entry *entry, enum kind kind, int64_t until_ms)
{
    entry->kind = kind;
    entry->until_ms = until_ms;
}

/* --- budgets: a second's worth is saved up --- */

static void fill(struct prefetch *prefetch, int64_t now_ms)
{
    int64_t passed_ms = now_ms - prefetch->filled_ms, rate = (int64_t)prefetch->limits.bytes_per_s;
    prefetch->filled_ms = now_ms;
    if (passed_ms < 0 || passed_ms > FILL_MAX_MS)
        passed_ms = FILL_MAX_MS; /* the clock was set, or this is the first time */
    double filled = (double)prefetch->tokens + (double)rate * (double)passed_ms / 1000;
    prefetch->tokens = filled < (double)rate ? (int64_t)filled : rate;
}

/* What nobody came for makes room for more when it is too old; looked for once a second. */
static void sweep(struct prefetch *prefetch, int64_t now_ms)
{
    if (prefetch->unused_bytes < prefetch->limits.unused_bytes ||
        now_ms - prefetch->swept_ms < SWEEP_MS)
        return;
    prefetch->swept_ms = now_ms;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < WAYS; k++)
            age(prefetch, &prefetch->entries[i][k], now_ms);
}

static bool is_within_budget(struct prefetch *prefetch, int64_t now_ms)
{
    fill(prefetch, now_ms);
    sweep(prefetch, now_ms);
    return !guard_is_on(GUARD_PREFETCH_BUDGET) ||
           (prefetch->tokens > 0 && prefetch->unused_bytes < prefetch->limits.unused_bytes &&
            prefetch->coming < prefetch->limits.at_once);
}

bool prefetch_may_begin(struct prefetch *prefetch, uint64_t key, int64_t now_ms)
{
    struct entry *entry = NULL;
    bool is_known, may = false;
    pthread_mutex_lock(&prefetch->lock);
    is_known = find(prefetch, key, now_ms) != NULL;
    if (!is_known && is_within_budget(prefetch, now_ms))
        entry = make(prefetch, key);
    if (entry) {
        *entry = (struct entry){.key = key, .bytes = prefetch->expected_bytes};
        set(entry, COMING, now_ms + COMING_MS);
        prefetch->coming++;
        prefetch->tokens -= (int64_t)entry->bytes; /* given back when it is known */
        prefetch->unused_bytes += entry->bytes;
        may = true;
    }
    pthread_mutex_unlock(&prefetch->lock);
    if (!may && !is_known)
        counter_add(COUNTER_PREFETCHES_REFUSED, 1);
    return may;
}

void prefetch_came(struct prefetch *prefetch, uint64_t key, uint64_t bytes, int64_t now_ms)
{
    pthread_mutex_lock(&prefetch->lock);
    struct entry *entry = find(prefetch, key, now_ms);
    prefetch->tokens -= (int64_t)bytes;
    prefetch->expected_bytes = (3 * prefetch->expected_bytes + bytes) / 4;
    bool is_used = false;
    if (entry && entry->kind != COMING)
        entry = NULL;
    if (entry) {
        clear(prefetch, entry);
        is_used = entry->is_visited;
    }
    if (entry && !is_used) {
        entry->bytes = bytes;
        set(entry, WAITING, now_ms + WAITING_MS);
        prefetch->unused_bytes += bytes;
    }
    pthread_mutex_unlock(&prefetch->lock);
    counter_add(COUNTER_PREFETCHES_USED, is_used);
    counter_add(COUNTER_PREFETCHES, 1);
    counter_add(COUNTER_PREFETCH_BYTES, (int64_t)bytes);
}

void prefetch_came_not(struct prefetch *prefetch, uint64_t key, bool is_missing, int64_t now_ms)
{
    pthread_mutex_lock(&prefetch->lock);
    struct entry *entry = find(prefetch, key, now_ms);
    if (entry && entry->kind == COMING) {
        clear(prefetch, entry);
        if (is_missing)
            set(entry, MISSING, now_ms + MISSING_MS);
    }
    pthread_mutex_unlock(&prefetch->lock);
}

/* It was in time when it has come; while it comes, whoever asks reads along. */
void prefetch_visited(struct prefetch *prefetch, uint64_t key, int64_t now_ms)
{
    pthread_mutex_lock(&prefetch->lock);
    struct entry *entry = find(prefetch, key, now_ms);
    bool is_used = entry && entry->kind == WAITING;
    if (is_used)
        clear(prefetch, entry);
    else if (entry)
        entry->is_visited = true;
    pthread_mutex_unlock(&prefetch->lock);
    if (is_used)
        counter_add(COUNTER_PREFETCHES_USED, 1);
}
