// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/flight.h"
#include "twin.h"

struct follower {
    struct flight_waiter waiter;
    enum flight_result result;
    void *object;
    unsigned calls;
};

static void on_landing(struct flight_waiter *waiter, enum flight_result result, void *object)
{
    struct follower *follower = CONTAINER_OF(waiter, struct follower, waiter);
    follower->result = result;
    follower->object = object;
    follower->calls++;
}

static const struct flights_limits limits = {
    .max_flights = 2, .max_waiters = 3, .uncacheable_ms = 1000, .uncacheable_kept = 2};
static const struct text song = TEXT_INIT("song"), other = TEXT_INIT("other"),
                         third = TEXT_INIT("third");

static enum flight_role join(struct flights *flights, struct text key, uint64_t now_us,
                             struct follower *follower, struct flight **ret)
{
    *follower = (struct follower){.waiter.on_landing = on_landing};
    return flight_join(flights, key, now_us, &follower->waiter, ret);
}

static void followers_read_along(void)
{
    struct flights *flights = flights_new(&limits, 1);
    struct follower a, b, c;
    struct flight *lead = NULL, *flight = NULL;
    int object;
    OK(join(flights, song, 0, &a, &lead) == FLIGHT_LEAD, "the first to ask leads");
    OK(join(flights, song, 0, &b, &flight) == FLIGHT_FOLLOW && flight == lead, "the next follows");
    OK(join(flights, song, 0, &c, &flight) == FLIGHT_FOLLOW, "and the next");
    flight_leave(&b.waiter);
    flight_leave(&b.waiter);
    OK(flight_waiters(lead) == 1, "who leaves waits no more, and may leave twice");
    OK(flight_show(lead, &object) == 1 && c.calls == 1 && c.object == &object && b.calls == 0,
       "who still waits gets the object at its header");
    OK(join(flights, song, 0, &a, &flight) == FLIGHT_READ && flight_object(flight) == &object,
       "later ones read it at once, while it is being written");
    OK(flight_land(&lead, FLIGHT_OVER, 0) == 0 && !lead, "its end wakes nobody");
    OK(join(flights, song, 0, &a, &lead) == FLIGHT_LEAD, "after it somebody leads anew");
    OK(join(flights, song, 0, &b, &flight) == FLIGHT_FOLLOW, "with followers of his own");
    OK(flight_land(&lead, FLIGHT_FAILED, 0) == 1 && b.result == FLIGHT_FAILED,
       "who hear that there was no answer");
    flights_free(&flights);
}

static void what_is_not_shared_is_not_waited_for(void)
{
    struct flights *flights = flights_new(&limits, 1);
    struct follower a, b;
    struct flight *lead = NULL, *flight = NULL;
    OK(join(flights, song, 0, &a, &lead) == FLIGHT_LEAD &&
           join(flights, song, 0, &b, &flight) == FLIGHT_FOLLOW,
       "one leads, one follows");
    OK(flight_land(&lead, FLIGHT_RELEASED, 0) == 1 && b.result == FLIGHT_RELEASED,
       "an answer for one alone releases the followers");
    OK(join(flights, song, 999999, &a, &lead) == FLIGHT_ALONE, "for a while nobody follows");
    OK(join(flights, song, 1000000, &a, &lead) == FLIGHT_LEAD, "then it is tried again");
    int object;
    flight_show(lead, &object);
    flight_land(&lead, FLIGHT_RELEASED, 0);
    OK(join(flights, song, 1, &a, &lead) == FLIGHT_LEAD, "a shared answer ends the memory");
    flight_land(&lead, FLIGHT_RELEASED, 0);
    const struct text more[] = {other, third};
    for (size_t i = 0; i < 2; i++) {
        OK(join(flights, more[i], 0, &a, &lead) == FLIGHT_LEAD, "another object");
        flight_land(&lead, FLIGHT_RELEASED, 0);
    }
    OK(join(flights, song, 1, &a, &lead) == FLIGHT_LEAD, "the oldest memory makes way");
    flight_land(&lead, FLIGHT_FAILED, 0);
    OK(join(flights, third, 1, &a, &lead) == FLIGHT_ALONE, "the newest stays");
    flights_free(&flights);
}

static void a_full_table_sheds(void)
{
    struct flights *flights = flights_new(&limits, 1);
    struct follower waiters[5];
    struct flight *one = NULL, *two = NULL, *flight = NULL;
    OK(join(flights, song, 0, &waiters[0], &one) == FLIGHT_LEAD &&
           join(flights, other, 0, &waiters[0], &two) == FLIGHT_LEAD,
       "as many objects as may be");
    OK(join(flights, third, 0, &waiters[0], &flight) == FLIGHT_FULL, "one more is shed");
    for (size_t i = 0; i < 3; i++)
        OK(join(flights, song, 0, &waiters[i], &flight) == FLIGHT_FOLLOW, "as many as may wait");
    OK(join(flights, other, 0, &waiters[3], &flight) == FLIGHT_FULL, "one more is shed");
    OK(flight_land(&one, FLIGHT_FAILED, 0) == 3, "three were waiting");
    OK(join(flights, other, 0, &waiters[3], &flight) == FLIGHT_FOLLOW, "now there is room");
    flight_land(&two, FLIGHT_FAILED, 0);
    flights_free(&flights);
}

/* Also without coalescing. */
static void one_leads(void)
{
    struct flights *flights = flights_new(&limits, 1);
    struct follower a, b;
    struct flight *one = NULL, *two = NULL;
    enum flight_role first = join(flights, song, 0, &a, &one),
                     second = join(flights, song, 0, &b, &two);
    OK_GUARDED(GUARD_COALESCING, first == FLIGHT_LEAD && second == FLIGHT_FOLLOW,
               "of two that ask for one object only the first leads");
    if (second == FLIGHT_LEAD)
        flight_land(&two, FLIGHT_FAILED, 0);
    flight_land(&one, FLIGHT_FAILED, 0);
    flights_free(&flights);
}

int main(void)
{
    twin_begin();
    one_leads();
    if (guard_is_on(GUARD_COALESCING)) {
        followers_read_along();
        what_is_not_shared_is_not_waited_for();
        a_full_table_sheds();
    }
    return tap_done();
}
