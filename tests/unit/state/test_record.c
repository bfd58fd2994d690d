// SPDX-License-Identifier: GPL-3.0-or-later
/* Two states in one process, each with its thread to the same PostgreSQL: what the thread sanitizer
 * is to see.  The same with processes, kills and hangs: tests/system/test_record.py. */
#include "fixture.h"
#include "postgres_server.h"
#include "state/duty.h"
#include "state/replica.h"
#include "twin.h"

static struct fixture one, two;
static struct postgres_server server;

static void stop_loop(void *context) { loop_stop(context); }

/* Runs both loops until the claim holds, at most some seconds. */
static bool until(bool (*claim)(void))
{
    for (int i = 0; i < 1000; i++) {
        struct loop *loops[] = {one.loop, two.loop};
        for (int j = 0; j < 2; j++) {
            loop_post(loops[j], stop_loop, loops[j]);
            loop_run(loops[j]);
        }
        if (claim())
            return true;
        usleep(10000);
    }
    return false;
}

static struct uid anna;
static struct subject song;

static bool knows_anna(void) { return state_account(two.state, anna) != NULL; }
static bool two_stars(void)
{
    return listener_starred_ms(state_listener(two.state, anna), song) != 0;
}
static bool one_has_two_plays(void)
{
    return listener_plays(state_listener(one.state, anna), song).count == 2;
}
static bool two_has_two_plays(void)
{
    return listener_plays(state_listener(two.state, anna), song).count == 2;
}
static bool all_arrived(void)
{
    struct state_health a = state_health(one.state), b = state_health(two.state);
    return a.pushed_lsn == a.durable_lsn && b.pushed_lsn == b.durable_lsn;
}
static bool one_is_away(void) { return state_health(one.state).record_error != 0; }
static bool one_is_back(void) { return state_health(one.state).record_error == 0; }
static bool two_unstarred(void) { return !two_stars(); }

static enum outcome play(struct fixture *f, int64_t at_ms)
{
    struct batch *batch = fixture_batch(f, anna);
    batch_play(batch, &(struct play){.track = song, .at_ms = at_ms});
    return fixture_submit(f, batch);
}

static enum outcome star(struct fixture *f, bool is_starred)
{
    struct batch *batch = fixture_batch(f, anna);
    batch_star(batch, song, is_starred);
    return fixture_submit(f, batch);
}

/* What only a running state takes as its own: keys that are the same at both. */
static void open_both(void)
{
    fixture_init(&one);
    fixture_init(&two);
    two.config.keys = one.keys;
    one.config.database = two.config.database = server.url;
    OK(fixture_open(&one) && fixture_open(&two), "two states are opened on one record");
}

static void test_together(void)
{
    song = subject_number("tr", 1);
    anna = fixture_account(&one, "anna");
    OK(!uid_is_none(anna) && until(knows_anna), "an account made at one is known at the other");
    OK(uid_is_none(fixture_account(&two, "ANNA")) && strstr(two.why, "taken"),
       "its name is taken there");
    OK(star(&one, true) == OUTCOME_ACCEPTED && until(two_stars), "so are its stars");
    OK(play(&one, NOW_MS - 1) == OUTCOME_ACCEPTED, "a play here");
    OK(play(&two, NOW_MS - 1) == OUTCOME_ACCEPTED || two.whole == OUTCOME_DUPLICATE,
       "the same play there");
    OK(play(&two, NOW_MS - 2) == OUTCOME_ACCEPTED, "and another");
    OK(until(one_has_two_plays) && until(two_has_two_plays) && until(all_arrived),
       "are two everywhere");
}

/* Of two who ask for the same duty: 1 ours, 0 another's, -1 not answered. */
static int ours[2];
static void on_duty(void *context, bool is_ours) { *(int *)context = is_ours; }
static bool both_answered(void) { return ours[0] >= 0 && ours[1] >= 0; }

static bool ask_both(void)
{
    ours[0] = ours[1] = -1;
    duty_ask(one.state,
             "\x01"
             "dishes",
             on_duty, &ours[0]);
    duty_ask(two.state,
             "\x01"
             "dishes",
             on_duty, &ours[1]);
    return until(both_answered);
}

static void test_duty(void)
{
    OK(ask_both(), "who has a duty is told to both");
    OK_GUARDED(GUARD_DUTY, ours[0] + ours[1] == 1, "and it is one's");
    int first = ours[0];
    OK(ask_both(), "asked again");
    OK_GUARDED(GUARD_DUTY, ours[0] == first && ours[1] == !first, "it stays where it is");
    struct batch *batch = fixture_operator(&two);
    struct uid ann = uid_random(), dora = uid_random();
    batch_all_or_none(batch);
    batch_for(batch, dora);
    batch_account_make(batch, dora, TEXT("dora"), false, ACCOUNT_ALL_LIBRARIES);
    batch_for(batch, ann);
    batch_account_make(batch, ann, TEXT("Anna"), false, ACCOUNT_ALL_LIBRARIES);
    OK(fixture_submit(&two, batch) == OUTCOME_REFUSED && !state_account(two.state, dora),
       "of a batch that is all or none nothing is done when a name is another's");
}

static void test_away(void)
{
    postgres_server_stop(&server);
    OK(until(one_is_away), "a database that stops is noticed");
    OK(star(&one, false) == OUTCOME_ACCEPTED &&
           !listener_starred_ms(state_listener(one.state, anna), song),
       "writes go on");
    OK(uid_is_none(fixture_account(&one, "bert")) && one.whole == OUTCOME_FAILED,
       "but a new name cannot be given");
    OK(fixture_reopen(&one) && !listener_starred_ms(state_listener(one.state, anna), song),
       "a state starts from its replica");
    OK(postgres_server_start(&server) && until(one_is_back) && until(two_unstarred),
       "and passes on later what was done");
    OK(!uid_is_none(fixture_account(&one, "bert")), "names can be given again");
}

static void test_replica(void)
{
    OK(until(all_arrived), "everything has arrived");
    state_close(&two.state);
    two.config.database = NULL;
    OK(!fixture_open(&two) && strstr(two.error.words, "--database"),
       "a replica is not opened without its record");
    two.config.database = server.url;
    two.config.keys = two.keys;
    OK(!fixture_open(&two) && strstr(two.error.words, "keys"), "nor by somebody with other keys");
    two.config.keys = one.keys;
    OK(fixture_open(&two) && knows_anna() && two_has_two_plays(), "with both it is as it was");
}

int main(void)
{
    twin_begin();
    if (!postgres_server_init(&server)) {
        printf("1..0 # SKIP this machine has no PostgreSQL\n");
        return 0;
    }
    open_both();
    if (one.state && two.state) {
        test_together();
        test_duty();
        test_away();
        test_replica();
    }
    fixture_release(&one);
    fixture_release(&two);
    postgres_server_release(&server);
    return tap_done();
}
