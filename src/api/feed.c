// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/feed.h"

#include "base/digits.h"
#include "base/guard.h"
#include "base/map.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { RUN_DIGITS = 8, MAX_STATES = 1 << 24 };

struct feed {
    uint64_t epoch;
    uint32_t run;
    size_t max_changes;
    struct map *things; /* name, or the account's bytes */
    struct feed_change *first, *last;
    size_t state_count, object_count;
    uint64_t position, oldest;
    uint64_t restored; /* the position of the last that was */
    feed_changed *changed;
    void *changed_context;
};

struct feed *feed_new(uint64_t seed, uint64_t epoch, size_t max_changes)
{
    struct feed *feed = MEM_NEW(struct feed);
    feed->epoch = epoch;
    feed->max_changes = max_changes;
    feed->things = map_new(seed, MAX_STATES);
    return feed;
}

void feed_begin(struct feed *feed, uint32_t run, uint64_t position)
{
    assert(position >= feed->position);
    feed->run = run;
    feed->position = feed->oldest = position;
}

void feed_on_change(struct feed *feed, feed_changed *changed, void *context)
{
    feed->changed = changed;
    feed->changed_context = context;
}

static void tell(const struct feed *feed, const struct feed_change *change)
{
    if (feed->changed)
        feed->changed(feed->changed_context, change);
}

void feed_free(struct feed **feed_p)
{
    struct feed *feed = *feed_p;
    if (!feed)
        return;
    for (struct feed_change *change = feed->first, *next; change; change = next) {
        next = change->_next;
        mem_free(change);
    }
    map_free(&feed->things);
    mem_free_p(feed_p);
}

/* --- the list --- */

static void unlink_change(struct feed *feed, struct feed_change *change)
{
    *(change->_previous ? &change->_previous->_next : &feed->first) = change->_next;
    *(change->_next ? &change->_next->_previous : &feed->last) = change->_previous;
}

/* At the end, with the next position. */
static void link_change(struct feed *feed, struct feed_change *change)
{
    change->position = ++feed->position;
    change->_next = NULL;
    change->_previous = feed->last;
    *(feed->last ? &feed->last->_next : &feed->first) = change;
    feed->last = change;
}

static struct text key_of(const struct feed_change *change)
{
    return change->is_state ? uid_view(&change->account) : text_of(change->name);
}

/* The oldest state falls off; objects stay. */
static void forget_one(struct feed *feed)
{
    struct feed_change *change = feed->first;
    while (!change->is_state)
        change = change->_next;
    feed->oldest = change->position;
    feed->state_count--;
    (void)map_remove(feed->things, key_of(change));
    unlink_change(feed, change);
    mem_free(change);
}

static struct feed_change *add(struct feed *feed, const struct feed_change *wanted)
{
    struct feed_change *change = mem_dup(wanted, sizeof *wanted);
    if (!map_put(feed->things, key_of(change), change)) {
        forget_one(feed);
        if (!map_put(feed->things, key_of(change), change))
            abort();
    }
    link_change(feed, change);
    return change;
}

/* --- changes --- */

void feed_object(struct feed *feed, struct text name, uint64_t epoch, uint64_t number,
                 uint32_t libraries)
{
    struct feed_change *change = map_get(feed->things, name);
    if (change && change->epoch == epoch && change->number == number)
        return;
    if (change) {
        unlink_change(feed, change);
        link_change(feed, change);
    } else {
        struct feed_change wanted = {.libraries = libraries};
        assert(name.size < sizeof wanted.name && name.size != UID_BYTES);
        assert(feed->object_count < FEED_MAX_OBJECTS);
        memcpy(wanted.name, name.data, name.size);
        feed->object_count++;
        change = add(feed, &wanted);
    }
    change->epoch = epoch;
    change->number = number;
    tell(feed, change);
}

void feed_object_again(struct feed *feed, struct text name, uint64_t epoch, uint64_t number)
{
    struct feed_change *change = map_get(feed->things, name);
    if (!change)
        return;
    change->epoch = epoch;
    change->number = number;
}

void feed_state(struct feed *feed, struct uid account, uint64_t told)
{
    struct feed_change *change = map_get(feed->things, uid_view(&account));
    if (change && change->position > told)
        return;
    if (change) {
        unlink_change(feed, change);
        link_change(feed, change);
    } else {
        if (guard_is_on(GUARD_CHANGES_KEPT) && feed->state_count >= feed->max_changes)
            forget_one(feed);
        change = add(feed, &(struct feed_change){.is_state = true, .account = account});
        feed->state_count++;
    }
    change->epoch = feed->epoch;
    change->number = change->position;
    tell(feed, change);
}

/* --- what another process knew --- */

void feed_resume(struct feed *feed, uint32_t run, uint64_t position, uint64_t oldest)
{
    assert(!feed->first && oldest <= position);
    feed->run = run;
    feed->position = position;
    feed->oldest = oldest;
}

static bool can_stand(const struct feed *feed, const struct feed_change *wanted)
{
    struct text name = text_of(wanted->name);
    return wanted->position > feed->restored && feed->object_count < FEED_MAX_OBJECTS &&
           (wanted->is_state || (name.size && name.size != UID_BYTES));
}

bool feed_restore(struct feed *feed, const struct feed_change *wanted)
{
    uint64_t position = feed->position;
    struct feed_change *change = map_get(feed->things, key_of(wanted));
    if (!can_stand(feed, wanted))
        return false;
    if (change) {
        unlink_change(feed, change);
        link_change(feed, change);
    } else {
        if (wanted->is_state && feed->state_count >= feed->max_changes)
            forget_one(feed);
        change = add(feed, wanted);
        *(wanted->is_state ? &feed->state_count : &feed->object_count) += 1;
    }
    feed->restored = change->position = wanted->position;
    feed->position = position > wanted->position ? position : wanted->position;
    change->epoch = wanted->is_state ? feed->epoch : wanted->epoch;
    change->number = wanted->is_state ? wanted->position : wanted->number;
    return true;
}

/* --- reading --- */

uint64_t feed_position(const struct feed *feed) { return feed->position; }

uint64_t feed_oldest(const struct feed *feed) { return feed->oldest; }

uint64_t feed_epoch(const struct feed *feed) { return feed->epoch; }

uint32_t feed_run(const struct feed *feed) { return feed->run; }

const struct feed_change *feed_after(const struct feed *feed, uint64_t position)
{
    const struct feed_change *found = NULL;
    for (const struct feed_change *change = feed->last; change && change->position > position;
         change = change->_previous)
        found = change;
    return found;
}

const struct feed_change *feed_next(const struct feed_change *change) { return change->_next; }

uint64_t feed_state_position(const struct feed *feed, struct uid account)
{
    const struct feed_change *change = map_get(feed->things, uid_view(&account));
    return change ? change->position : feed->oldest;
}

/* --- cursors --- */

struct text feed_cursor_text(const struct feed *feed, uint64_t position,
                             char storage[FEED_CURSOR_BYTES])
{
    int size = snprintf(storage, FEED_CURSOR_BYTES, "%" PRIu64 ".%" PRIu64 ".%08" PRIx32,
                        feed->epoch, position, feed->run);
    return text_make(storage, (size_t)size);
}

static bool parse_run(struct text digits, uint32_t *ret)
{
    uint32_t run = 0;
    for (size_t i = 0; i < digits.size; i++) {
        const char *digit = digits.data[i] ? strchr("0123456789abcdef", digits.data[i]) : NULL;
        if (!digit)
            return false;
        run = run << 4 | (uint32_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    }
    *ret = run;
    return digits.size == RUN_DIGITS;
}

bool feed_cursor_parse(struct text t, struct feed_cursor *ret)
{
    struct text rest = t, epoch, position;
    return text_split(&rest, '.', &epoch) && rest.data && text_split(&rest, '.', &position) &&
           rest.data && text_to_u64(epoch, &ret->epoch) && text_to_u64(position, &ret->position) &&
           parse_run(rest, &ret->run);
}

bool feed_can_resume(const struct feed *feed, const struct feed_cursor *cursor,
                     const char **ret_why)
{
    *ret_why = cursor->epoch != feed->epoch        ? "epoch"
               : cursor->run != feed->run          ? "restart"
               : cursor->position < feed->oldest   ? "old"
               : cursor->position > feed->position ? "future"
                                                   : NULL;
    return *ret_why == NULL;
}
