// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/health.h"

#include "base/guard.h"

enum { LOST_PROBES = 60 }; /* probe times after which nobody expects an answer any more */

enum health_verdict health_ask(struct health *health, const struct health_limits *limits,
                               uint64_t now_us)
{
    if (health->state == HEALTH_GOOD || !guard_is_on(GUARD_BREAKER))
        return HEALTH_ASK;
    if (now_us < health->may_probe_us)
        return HEALTH_REFUSE;
    health->state = HEALTH_PROBED;
    health->may_probe_us = now_us + LOST_PROBES * limits->probe_us;
    return HEALTH_PROBE;
}

bool health_status_is_failure(unsigned status) { return status >= 502 && status <= 504; }

void health_succeed(struct health *health, uint64_t now_us)
{
    *health = (struct health){.state = HEALTH_GOOD, .answered_us = now_us};
}

void health_fail(struct health *health, const struct health_limits *limits, uint64_t known_us,
                 uint64_t now_us, uint64_t jitter_us)
{
    if (health->state == HEALTH_GOOD && known_us < health->answered_us)
        return;
    if (health->failures < UINT32_MAX)
        health->failures++;
    if (health->state == HEALTH_DEAD) /* asked before it was taken for dead: no news */
        return;
    if (health->state == HEALTH_GOOD && health->failures < limits->failures)
        return;
    health->state = HEALTH_DEAD;
    health->may_probe_us = now_us + limits->probe_us + jitter_us;
}

void health_give_up(struct health *health, uint64_t now_us)
{
    if (health->state != HEALTH_PROBED)
        return;
    health->state = HEALTH_DEAD;
    health->may_probe_us = now_us;
}
