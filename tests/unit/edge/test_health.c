// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/allowance.h"
#include "edge/health.h"
#include "edge/hedge.h"
#include "edge/silence.h"
#include "twin.h"

static const struct health_limits limits = {.failures = 3, .probe_us = 1000};

static void a_breaker(void)
{
    struct health health = {0};
    for (unsigned i = 0; i < 2; i++)
        health_fail(&health, &limits, 0, 0, 0);
    health_succeed(&health, 0);
    for (unsigned i = 0; i < 2; i++)
        health_fail(&health, &limits, 0, 0, 0);
    OK(health_ask(&health, &limits, 0) == HEALTH_ASK, "failures count in a row");
    health_fail(&health, &limits, 0, 0, 50);
    OK(health_ask(&health, &limits, 1049) == HEALTH_REFUSE, "a dead origin is left alone");
    health_fail(&health, &limits, 500, 500, 50);
    OK(health_ask(&health, &limits, 1050) == HEALTH_PROBE,
       "but for a probe, which late failures do not put off");
    OK(health_ask(&health, &limits, 1051) == HEALTH_REFUSE, "one at a time");
    health_fail(&health, &limits, 3000, 3000, 0);
    OK(health_ask(&health, &limits, 3999) == HEALTH_REFUSE &&
           health_ask(&health, &limits, 4000) == HEALTH_PROBE,
       "and once in its time");
    health_give_up(&health, 4001);
    OK(health_ask(&health, &limits, 4001) == HEALTH_PROBE, "one that said nothing is made up for");
    OK(health_ask(&health, &limits, 64000) == HEALTH_REFUSE &&
           health_ask(&health, &limits, 64001) == HEALTH_PROBE,
       "one that is lost is not waited for for ever");
    health_succeed(&health, 64002);
    OK(health_ask(&health, &limits, 64002) == HEALTH_ASK, "an answer makes it whole");
    for (unsigned i = 0; i < 9; i++)
        health_fail(&health, &limits, 64001, 70000, 0);
    OK(health_ask(&health, &limits, 70000) == HEALTH_ASK,
       "what was asked before that and times out now is no news");
    for (unsigned i = 0; i < 3; i++)
        health_fail(&health, &limits, 64002, 70000, 0);
    OK(health_ask(&health, &limits, 70000) == HEALTH_REFUSE, "what was asked since is");
}

static void which_answers_fail(void)
{
    static const struct {
        unsigned status;
        bool fails;
    } table[] = {{200, false}, {404, false}, {429, false}, {500, false}, {501, false},
                 {502, true},  {503, true},  {504, true},  {505, false}};
    bool agrees = true;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        agrees &= health_status_is_failure(table[i].status) == table[i].fails;
    OK(agrees, "502, 503 and 504 speak of an origin, other answers of what was asked");
}

static void a_silence(void)
{
    struct silence silence = {0};
    silence_end(&silence, 1000);
    OK(!silence_hear(&silence, 800, 1700), "while others are answered one that waits is slow");
    OK(silence_hear(&silence, 800, 1800), "when nobody is, it is silence");
    OK(silence_hear(&silence, 800, 1801) && silence.is_silent, "which holds for all");
    silence_end(&silence, 1900);
    OK(!silence.is_silent && !silence_hear(&silence, 800, 2000), "until an answer comes");
}

static void what_is_usual(void)
{
    struct hedge_times times;
    hedge_times_init(&times, 0);
    for (unsigned i = 0; i < 6; i++)
        hedge_times_add(&times, 1000000);
    OK(hedge_usual_us(&times) == 0, "a few times say nothing");
    for (unsigned i = 0; i < 76; i++)
        hedge_times_add(&times, 10000);
    OK(hedge_usual_us(&times) >= 1000000, "six of 82 are more than one in twenty");
    for (unsigned i = 0; i < 64; i++)
        hedge_times_add(&times, 10000);
    OK(hedge_usual_us(&times) < 10500, "six of 146 are not");
    OK(hedge_delay_us(&times) == 0, "nothing is hedged where nothing may be");
}

static unsigned spent(struct allowance *allowance, unsigned requests)
{
    unsigned count = 0;
    for (unsigned i = 0; i < requests; i++) {
        allowance_earn(allowance);
        while (allowance_spend(allowance))
            count++;
    }
    return count;
}

static void a_budget(void)
{
    struct allowance allowance;
    allowance_init(&allowance, GUARD_HEDGE_BUDGET, 2, 5, 0);
    OK(spent(&allowance, 49) == 0 && spent(&allowance, 1) == 1, "two percent: one in fifty");
    OK(spent(&allowance, 10000) == 200, "two hundred in ten thousand");
    for (unsigned i = 0; i < 10000; i++)
        allowance_earn(&allowance);
    unsigned burst = 0;
    while (allowance_spend(&allowance))
        burst++;
    OK(burst == 5, "what is not spent is saved up to the burst");
    allowance_init(&allowance, GUARD_HEDGE_BUDGET, 0, 5, 5);
    OK(spent(&allowance, 1000) == 0, "no percent is none at all");
    allowance_init(&allowance, GUARD_HEDGE_BUDGET, 10, 10, 3);
    OK(allowance_spend(&allowance) && allowance_spend(&allowance) && allowance_spend(&allowance) &&
           !allowance_spend(&allowance),
       "a few are there from the start");
}

static void a_delay(void)
{
    struct hedge_times times;
    hedge_times_init(&times, 2);
    for (unsigned i = 0; i < HEDGE_MIN_TIMES - 1; i++)
        hedge_times_add(&times, 50000);
    OK(hedge_delay_us(&times) == 0, "few times say nothing");
    hedge_times_add(&times, 50000);
    uint64_t delay = hedge_delay_us(&times);
    OK(delay > 50000 && delay < 51000, "all alike: a little later than all");
    for (unsigned i = 0; i < 20000; i++)
        hedge_times_add(&times, i % 100 ? 50000 + i % 40 * 100 : 1000000);
    delay = hedge_delay_us(&times);
    OK(delay > 53000 && delay < 55500, "one in a hundred a second late changes nothing");
    for (unsigned i = 0; i < 20000; i++)
        hedge_times_add(&times, i % 10 ? 50000 : 1000000);
    delay = hedge_delay_us(&times);
    OK(delay > 1000000 && delay < 1020000, "one in ten is how this origin is: no hedging");
    for (unsigned i = 0; i < 40000; i++)
        hedge_times_add(&times, 200);
    delay = hedge_delay_us(&times);
    OK(delay > 200 && delay < 205, "old times fade");
    hedge_times_add(&times, 0);
    hedge_times_add(&times, UINT64_MAX);
    OK(hedge_delay_us(&times) > 0, "no time is too short or too long to be counted");
    hedge_times_init(&times, 0);
    for (unsigned i = 0; i < 1000; i++)
        hedge_times_add(&times, 100);
    OK(hedge_delay_us(&times) == 0, "no percent, no hedge");
}

/* Also without one of them. */
static void guarded(void)
{
    struct health health = {.state = HEALTH_DEAD, .may_probe_us = 1000};
    struct allowance hedges, retries;
    unsigned asked = 0, hedged = 0, retried = 0;
    allowance_init(&hedges, GUARD_HEDGE_BUDGET, 2, 5, 0);
    allowance_init(&retries, GUARD_RETRY_BUDGET, 10, 5, 0);
    for (unsigned i = 0; i < 100; i++) {
        asked += health_ask(&health, &limits, 0) != HEALTH_REFUSE;
        hedged += allowance_spend(&hedges);
        retried += allowance_spend(&retries);
    }
    OK_GUARDED(GUARD_BREAKER, asked == 0, "nobody asks a dead origin before its time");
    OK_GUARDED(GUARD_HEDGE_BUDGET, hedged == 0, "no hedge goes that was not earned");
    OK_GUARDED(GUARD_RETRY_BUDGET, retried == 0, "and no second try");
}

int main(void)
{
    twin_begin();
    guarded();
    if (guard_is_on(GUARD_BREAKER))
        a_breaker();
    if (guard_is_on(GUARD_HEDGE_BUDGET))
        a_budget();
    a_silence();
    what_is_usual();
    which_answers_fail();
    a_delay();
    return tap_done();
}
