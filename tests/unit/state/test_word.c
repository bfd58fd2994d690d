// SPDX-License-Identifier: GPL-3.0-or-later
/* What an answer to a write promises: it is done once, and a disk has it.  Each claim has its
 * guard. */
#include "fixture.h"
#include "state/listener.h"
#include "trust/keys.h"
#include "twin.h"

#include <signal.h>
#include <sys/resource.h>

static struct fixture fixture;
static struct uid anna;
static struct subject song;

static enum outcome play(int64_t at_ms)
{
    struct batch *batch = fixture_batch(&fixture, anna);
    batch_play(batch, &(struct play){.track = song, .at_ms = at_ms});
    return fixture_submit(&fixture, batch);
}

static uint64_t plays(void)
{
    return listener_plays(state_listener(fixture.state, anna), song).count;
}

static void what_is_told_again_is_done_once(void)
{
    OK(outcome_status(play(NOW_MS - 5000)) == 200 && outcome_status(play(NOW_MS - 5000)) == 200,
       "a play that is told again is acknowledged again");
    OK(fixture_reopen(&fixture), "and is there after a restart");
    OK_GUARDED(GUARD_SEEN, plays() == 1, "what is told twice is counted once");
}

static void what_is_acknowledged_is_written(void)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){0, before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    enum outcome outcome = play(NOW_MS - 4000);
    setrlimit(RLIMIT_FSIZE, &before);
    OK_GUARDED(GUARD_DURABLE_FIRST, outcome_status(outcome) >= 500,
               "what a full disk does not take is not acknowledged");
}

int main(void)
{
    twin_begin();
    song = subject_number("tr", 1);
    fixture_init(&fixture);
    if (!fixture_open(&fixture))
        return 1;
    anna = fixture_account(&fixture, "anna");
    OK(fixture_reopen(&fixture), "an account is there, whatever its answer promised");
    what_is_told_again_is_done_once();
    what_is_acknowledged_is_written();
    fixture_release(&fixture);
    return tap_done();
}
