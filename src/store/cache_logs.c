// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_logs.h"
#include <math.h>

enum { MIDDLE = LOGS / 2, MEAN_OF = 1000, CODES_A_DOUBLING = 4 };
enum { COPIED_A_BYTE = 4, REGIONS_AHEAD = 32 };
static const double STEPS_LEAST = 2 /* a doubling */, PART_MOST = 1.5, FIRST_BELOW = 0.3;

void logs_init(struct logs *logs, struct log_rule rule, uint64_t limit_bytes)
{
    *logs = (struct logs){.limit_bytes = limit_bytes ? limit_bytes : 1};
    logs_follow(logs, rule);
}

static double log_of_size(uint64_t size_bytes)
{
    return log2((double)(size_bytes ? size_bytes : 1));
}

static double log_of_asked(const struct log_mark *mark)
{
    return (double)mark->asked / CODES_A_DOUBLING;
}

void logs_meet(struct logs *logs, double asked, double size)
{
    logs->seen += logs->seen < MEAN_OF;
    logs->mean_asked += (asked - logs->mean_asked) / logs->seen;
    logs->mean_size += (size - logs->mean_size) / logs->seen;
}

void logs_came(struct logs *logs, const struct log_mark *mark, uint64_t size_bytes)
{
    logs->tick += size_bytes;
    logs_meet(logs, log_of_asked(mark), log_of_size(size_bytes));
}

/* --- worth --- */
/* Above the level, when asked for just now. */
static double worth(const struct logs *logs, double asked, double size)
{
    if (logs->rule.asked == 0)
        return 1;
    double doubt = asked < FIRST_BELOW ? logs->rule.first : 1;
    return doubt * exp2(logs->scale + logs->rule.asked * asked - logs->rule.size * size);
}

static double turns(const struct logs *logs)
{
    return (double)logs->tick / (double)logs->limit_bytes;
}

static double turns_since(const struct logs *logs, uint8_t stamp)
{
    unsigned ago = (unsigned)(logs_stamp(logs) - stamp) % LOG_STAMPS;
    return (double)ago / LOG_STAMPS_A_TURN;
}

double logs_value(const struct logs *logs, const struct log_mark *mark, uint64_t size_bytes)
{
    if (logs->rule.asked == 0)
        return logs->offset + turns(logs) - turns_since(logs, mark->asked_at);
    return logs->level + worth(logs, log_of_asked(mark), log_of_size(size_bytes));
}

/* So that a step is never more than half a doubling of asked. */
static double steps(const struct logs *logs)
{
    double asked = logs->rule.asked;
    return asked > 0 && asked < 1 ? STEPS_LEAST / asked : STEPS_LEAST;
}

unsigned logs_which(const struct logs *logs, double value)
{
    double above = value - logs->level;
    if (!(above > 0))
        return 0;
    double step = floor(steps(logs) * log2(above)) + MIDDLE;
    return step < 0 ? 0 : step > LOGS - 1 ? LOGS - 1 : (unsigned)step;
}

double logs_reach(const struct logs *logs, unsigned log)
{
    return exp2(((double)log - MIDDLE + 0.5) / steps(logs));
}

void logs_left(struct logs *logs, double value)
{
    if (value > logs->level)
        logs->level = value;
}

void logs_follow(struct logs *logs, struct log_rule rule)
{
    logs->rule = rule;
    logs->scale = rule.size * logs->mean_size - rule.asked * logs->mean_asked;
    logs->offset = logs->level + 1 - turns(logs);
}

double logs_carry(const struct logs *before, const struct logs *now, const struct log_stand *stand)
{
    double part = (stand->value - before->level) / worth(before, stand->asked, stand->size);
    part = part < 0 ? 0 : part > PART_MOST ? PART_MOST : part;
    return now->level + part * worth(now, stand->asked, stand->size);
}

double logs_scale(const struct logs *logs)
{
    return logs->rule.asked == 0 ? logs->offset + turns(logs) - logs->level : logs->scale;
}

void logs_resume(struct logs *logs, struct log_rule rule, uint64_t tick, double level, double scale)
{
    logs->rule = rule;
    logs->tick = tick;
    logs->level = level;
    logs->scale = rule.asked == 0 ? 0 : scale;
    logs->offset = level + (rule.asked == 0 ? scale : 1) - turns(logs);
}

void log_stand_add(struct log_stand *stand, double value, const struct log_mark *mark,
                   uint64_t size_bytes)
{
    stand->bytes += size_bytes;
    double part = stand->bytes ? (double)size_bytes / (double)stand->bytes : 1;
    stand->value += (value - stand->value) * part;
    stand->asked += (log_of_asked(mark) - stand->asked) * part;
    stand->size += (log_of_size(size_bytes) - stand->size) * part;
}

/* --- marks --- */
uint8_t logs_stamp(const struct logs *logs)
{
    return (uint8_t)((uint64_t)(turns(logs) * LOG_STAMPS_A_TURN) % LOG_STAMPS);
}

uint8_t log_code(double number)
{
    return (uint8_t)floor(log2(number < 1 ? 1 : number) * CODES_A_DOUBLING + 0.5);
}

/* Counts like Morris' counter: right on average. */
struct log_mark log_mark_hit(struct log_mark mark, uint8_t stamp, uint32_t random)
{
    double code = log2(exp2(log_of_asked(&mark)) + 1) * CODES_A_DOUBLING;
    double whole = floor(code);
    whole += (double)random / 0x1p32 < code - whole;
    return (struct log_mark){(uint8_t)(whole > LOG_ASKED_MOST ? LOG_ASKED_MOST : whole), stamp,
                             true};
}

/* --- what may be copied --- */
void log_budget_init(struct log_budget *budget, uint64_t region_bytes)
{
    budget->most_bytes = budget->bytes = REGIONS_AHEAD * region_bytes;
}

bool log_budget_take(struct log_budget *budget, uint64_t bytes)
{
    if (bytes > budget->bytes)
        return false;
    budget->bytes -= bytes;
    return true;
}

void log_budget_left(struct log_budget *budget, uint64_t bytes)
{
    uint64_t room = budget->most_bytes - budget->bytes;
    budget->bytes += bytes < room / COPIED_A_BYTE ? bytes * COPIED_A_BYTE : room;
}
