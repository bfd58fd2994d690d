// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/flight.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/map.h"
#include "base/mem.h"

#include <assert.h>

struct flight {
    struct flights *flights;
    struct text key; /* on the heap, behind the struct */
    void *object;
    struct flight_waiter *waiters, **end;
    size_t waiter_count;
    bool is_listed; /* in the table: without coalescing only the last of a key is */
};

/* A key whose answers are not to be shared, for a while: hit-for-miss. */
struct solo {
    struct solo *older, *newer;
    uint64_t until_us;
    struct text key;
};

struct flights {
    struct flights_limits limits;
    struct map *aloft; /* key to struct flight */
    struct map *solos; /* key to struct solo */
    struct solo *oldest, *newest;
    size_t flight_count, waiter_count;
};

struct flights *flights_new(const struct flights_limits *limits, uint64_t seed)
{
    struct flights *flights = MEM_NEW(struct flights);
    flights->limits = *limits;
    flights->aloft = map_new(seed, limits->max_flights);
    flights->solos = map_new(seed ^ 1, limits->uncacheable_kept);
    return flights;
}

/* --- what is remembered --- */

static void solo_free(struct flights *flights, struct solo *solo)
{
    *(solo->older ? &solo->older->newer : &flights->oldest) = solo->newer;
    *(solo->newer ? &solo->newer->older : &flights->newest) = solo->older;
    (void)map_remove(flights->solos, solo->key);
    mem_free(solo);
}

void flights_forget(struct flights *flights, struct text key)
{
    struct solo *solo = map_get(flights->solos, key);
    if (solo)
        solo_free(flights, solo);
}

static void remember(struct flights *flights, struct text key, uint64_t now_us)
{
    flights_forget(flights, key);
    if (flights->limits.uncacheable_kept == 0 || flights->limits.uncacheable_ms == 0)
        return;
    if (map_count(flights->solos) >= flights->limits.uncacheable_kept)
        solo_free(flights, flights->oldest);
    struct solo *solo = mem_zalloc(sizeof *solo + key.size);
    memcpy(solo + 1, key.data, key.size);
    solo->key = text_make((const char *)(solo + 1), key.size);
    solo->until_us = now_us + flights->limits.uncacheable_ms * UINT64_C(1000);
    solo->older = flights->newest;
    *(flights->newest ? &flights->newest->newer : &flights->oldest) = solo;
    flights->newest = solo;
    bool is_put = map_put(flights->solos, solo->key, solo);
    assert(is_put);
}

static bool is_solo(struct flights *flights, struct text key, uint64_t now_us)
{
    struct solo *solo = map_get(flights->solos, key);
    if (!solo)
        return false;
    if (solo->until_us > now_us)
        return true;
    solo_free(flights, solo);
    return false;
}

void flights_free(struct flights **flights)
{
    if (!*flights)
        return;
    assert((*flights)->flight_count == 0);
    while ((*flights)->oldest)
        solo_free(*flights, (*flights)->oldest);
    map_free(&(*flights)->aloft);
    map_free(&(*flights)->solos);
    mem_free_p(flights);
}

/* --- joining --- */

struct flight *flight_of(struct flights *flights, struct text key)
{
    return map_get(flights->aloft, key);
}

size_t flight_waiters(const struct flight *flight) { return flight->waiter_count; }
void *flight_object(const struct flight *flight) { return flight->object; }

static struct flight *take_off(struct flights *flights, struct text key)
{
    struct flight *flight = mem_zalloc(sizeof *flight + key.size);
    memcpy(flight + 1, key.data, key.size);
    flight->flights = flights;
    flight->key = text_make((const char *)(flight + 1), key.size);
    flight->end = &flight->waiters;
    struct flight *other = map_get(flights->aloft, key);
    if (other)
        other->is_listed = false;
    flight->is_listed = map_put(flights->aloft, flight->key, flight);
    assert(flight->is_listed);
    flights->flight_count++;
    return flight;
}

static void follow(struct flight *flight, struct flight_waiter *waiter)
{
    waiter->_flight = flight;
    waiter->_next = NULL;
    waiter->_at = flight->end;
    *flight->end = waiter;
    flight->end = &waiter->_next;
    flight->waiter_count++;
    flight->flights->waiter_count++;
}

enum flight_role flight_join(struct flights *flights, struct text key, uint64_t now_us,
                             struct flight_waiter *waiter, struct flight **ret)
{
    struct flight *flight = flight_of(flights, key);
    waiter->_flight = NULL;
    if (flight && guard_is_on(GUARD_COALESCING)) {
        if (!flight->object && flights->waiter_count >= flights->limits.max_waiters) {
            counter_add(COUNTER_FLIGHTS_FULL, 1);
            return FLIGHT_FULL;
        }
        *ret = flight;
        counter_add(COUNTER_FLIGHTS_FOLLOWED, 1);
        if (flight->object)
            return FLIGHT_READ;
        follow(flight, waiter);
        return FLIGHT_FOLLOW;
    }
    if (is_solo(flights, key, now_us))
        return FLIGHT_ALONE;
    if (flights->flight_count >= flights->limits.max_flights) {
        counter_add(COUNTER_FLIGHTS_FULL, 1);
        return FLIGHT_FULL;
    }
    *ret = take_off(flights, key);
    return FLIGHT_LEAD;
}

void flight_leave(struct flight_waiter *waiter)
{
    struct flight *flight = waiter->_flight;
    if (!flight)
        return;
    *waiter->_at = waiter->_next;
    *(waiter->_next ? &waiter->_next->_at : &flight->end) = waiter->_at;
    flight->waiter_count--;
    flight->flights->waiter_count--;
    waiter->_flight = NULL;
}

/* --- landing --- */

static size_t call_all(struct flight *flight, enum flight_result result)
{
    size_t called = 0;
    while (flight->waiters) {
        struct flight_waiter *waiter = flight->waiters;
        flight_leave(waiter);
        waiter->on_landing(waiter, result, flight->object);
        called++;
    }
    return called;
}

size_t flight_show(struct flight *flight, void *object)
{
    assert(object && !flight->object);
    flight->object = object;
    flights_forget(flight->flights, flight->key);
    return call_all(flight, FLIGHT_SHOWN);
}

size_t flight_land(struct flight **landing, enum flight_result result, uint64_t now_us)
{
    struct flight *flight = *landing;
    assert(result != FLIGHT_SHOWN);
    *landing = NULL;
    if (flight->object)
        result = FLIGHT_OVER;
    if (flight->is_listed)
        (void)map_remove(flight->flights->aloft, flight->key);
    if (result == FLIGHT_RELEASED)
        remember(flight->flights, flight->key, now_us);
    size_t called = call_all(flight, result);
    flight->flights->flight_count--;
    mem_free(flight);
    return called;
}
