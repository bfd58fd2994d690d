// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_chooser.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/cache_contest.h"
#include "store/cache_ghosts.h"
#include <math.h>

enum { NODES_LEAST = 32, NODES_MOST = 1024 };

struct chooser *chooser_new(uint64_t max_objects, uint64_t limit_bytes, uint64_t region_bytes)
{
    struct chooser *chooser = MEM_NEW(struct chooser);
    uint64_t nodes = limit_bytes / 100 / (CONTEST_RULES * CONTEST_BYTES);
    nodes = nodes < NODES_LEAST ? NODES_LEAST : nodes > NODES_MOST ? NODES_MOST : nodes;
    logs_init(&chooser->logs, contest_first(), limit_bytes);
    log_budget_init(&chooser->budget, region_bytes);
    chooser->ghosts = ghosts_new(max_objects);
    chooser->contest = contest_new((size_t)nodes);
    return chooser;
}

void chooser_free(struct chooser **chooser)
{
    if (!*chooser)
        return;
    ghosts_free(&(*chooser)->ghosts);
    contest_free(&(*chooser)->contest);
    mem_free_p(chooser);
}

static void follow(struct chooser *chooser, struct log_rule rule)
{
    chooser->before = chooser->logs;
    logs_follow(&chooser->logs, rule);
}

/* Who left is remembered for as many as the disk takes, and by the copies in the contest for as
 * many as they take: so what they promise can hold. */
static void fit(struct chooser *chooser)
{
    double objects = (double)chooser->logs.limit_bytes / exp2(chooser->logs.mean_size);
    chooser->is_fitted = true;
    ghosts_fit(chooser->ghosts, (uint64_t)objects + 1);
    contest_fit(chooser->contest, (uint64_t)objects + 1);
}

bool chooser_came(struct chooser *chooser, uint64_t hash, uint64_t size_bytes, struct log_mark *ret)
{
    struct logs *logs = &chooser->logs;
    struct log_rule rule;
    if (chooser->is_full && !chooser->is_fitted) /* resumed */
        fit(chooser);
    bool is_other =
        chooser->is_full && contest_ask(chooser->contest, hash, size_bytes, logs, &rule);
    if (is_other)
        follow(chooser, rule);
    int asked = ghosts_recall(chooser->ghosts, hash);
    *ret = (struct log_mark){0, logs_stamp(logs), false};
    if (asked >= 0) {
        *ret = log_mark_hit((struct log_mark){(uint8_t)asked, 0, false}, ret->asked_at,
                            (uint32_t)hash_mix(logs->tick));
        ret->is_hit = false;
    }
    logs_came(logs, ret, size_bytes);
    return is_other;
}

void chooser_hit(struct chooser *chooser, uint64_t hash, uint64_t size_bytes)
{
    contest_note(chooser->contest, hash, size_bytes);
}

bool chooser_full(struct chooser *chooser)
{
    bool is_first = !chooser->is_full;
    chooser->is_full = true;
    if (is_first) {
        fit(chooser);
        follow(chooser, chooser->logs.rule);
    }
    return is_first;
}

void chooser_carry(const struct chooser *chooser, struct log_stand *stand)
{
    stand->value = logs_carry(&chooser->before, &chooser->logs, stand);
}

bool chooser_stays(struct chooser *chooser, struct log_mark *mark, uint64_t size_bytes)
{
    if (!mark->is_hit || chooser->logs.rule.is_once ||
        !log_budget_take(&chooser->budget, size_bytes))
        return false;
    mark->is_hit = false;
    return true;
}

void chooser_left(struct chooser *chooser, uint64_t hash, const struct log_mark *mark,
                  uint64_t size_bytes)
{
    log_budget_left(&chooser->budget, size_bytes);
    ghosts_remember(chooser->ghosts, hash, mark->asked);
}

/* --- a restart --- */
void chooser_describe(const struct chooser *chooser, unsigned log, const struct log_mark *mark,
                      uint64_t size_bytes, struct region_header *ret)
{
    ret->log = (uint8_t)log;
    ret->rule = (uint8_t)contest_leader(chooser->contest);
    ret->asked = mark->asked;
    ret->size = log_code((double)size_bytes);
    ret->scale = (float)logs_scale(&chooser->logs);
    ret->tick = chooser->logs.tick;
    ret->level = chooser->logs.level;
}

void chooser_resume(struct chooser *chooser, const struct region_header *header)
{
    struct log_rule rule;
    if (!contest_lead(chooser->contest, header->rule, &rule))
        return;
    logs_resume(&chooser->logs, rule, header->tick, header->level, (double)header->scale);
    chooser->is_full = header->level > 0;
}
