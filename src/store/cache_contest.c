// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_contest.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/cache_ghosts.h"
#include <assert.h>
#include <math.h>
#include <stdatomic.h>

/* With an exponent of 2 for pools and loops, of 0.3 for files; with a doubt about who is new for
 * what passes by. */
static const struct log_rule RULES[CONTEST_RULES] = {
    {0, 0, 1, false},   {0.3, 0, 1, false},   {1, 0, 1, false},     {2, 0, 1, false},
    {4, 0, 1, false},   {1, 0.5, 1, false},   {2, 0.5, 1, false},   {1, 0.7, 1, false},
    {2, 0.7, 1, false}, {2, 1, 1, false},     {0.3, 0, 0.1, false}, {1, 0, 0.1, false},
    {2, 0, 0.1, false}, {1, 0.5, 0.1, false}, {1, 0, 1, true},      {2, 0, 1, true},
    {1, 0.7, 1, true},
};
enum { FIRST_RULE = 7, ASKS_A_NODE = 2 /* between two verdicts */, NOTES = 256 };
static const double FORGET = 0.95, MARGIN = 0.005;
static const double LEARN = 0.3, FORGIVE = 0.97; /* of what a rule did not hold, at a verdict */

/* An object, and the region that it is. */
struct entry {
    uint64_t hash, size_bytes;
    double value;
    uint32_t next; /* in its log, + 1 */
    struct log_mark mark;
};

struct side {
    struct logs logs;
    struct entry *entries;
    uint32_t first[LOGS], last[LOGS]; /* entry + 1 */
    uint32_t *table, *spare;          /* entry + 1 by hash, linear probing; free entries */
    size_t spare_count;
    uint64_t bytes, random;
    struct ghosts *ghosts;
    double misses, missed_bytes;
    double shortfall; /* of the disk by this rule to this copy, as a logarithm; never above 0 */
};

struct note {
    _Atomic uint64_t hash, size_bytes; /* hash 0: none */
};

struct contest {
    struct side sides[CONTEST_RULES];
    size_t nodes, slots;
    _Atomic uint64_t mask;
    uint64_t asks, objects; /* objects: that the disk takes */
    double disk_misses;     /* of the sample, since the last verdict */
    double leader_misses;   /* as they were then */
    unsigned leader;
    bool has_begun;
    _Atomic uint32_t note_count;
    struct note notes[NOTES];
};

struct log_rule contest_first(void) { return RULES[FIRST_RULE]; }

unsigned contest_leader(const struct contest *contest) { return contest->leader; }

bool contest_lead(struct contest *contest, unsigned number, struct log_rule *ret)
{
    if (number >= CONTEST_RULES)
        return false;
    contest->leader = number;
    *ret = RULES[number];
    return true;
}

struct contest *contest_new(size_t nodes)
{
    struct contest *contest = MEM_NEW(struct contest);
    contest->nodes = contest->objects = nodes;
    contest->slots = 2;
    while (contest->slots < 2 * nodes)
        contest->slots *= 2;
    contest->leader = FIRST_RULE;
    for (size_t r = 0; r < CONTEST_RULES; r++) {
        struct side *side = &contest->sides[r];
        side->entries = mem_zalloc(nodes * sizeof(struct entry));
        side->table = mem_zalloc(contest->slots * sizeof(uint32_t));
        side->spare = mem_alloc(nodes * sizeof(uint32_t));
        side->ghosts = ghosts_new(nodes);
        for (size_t i = 0; i < nodes; i++)
            side->spare[side->spare_count++] = (uint32_t)i;
    }
    return contest;
}

void contest_free(struct contest **contest)
{
    if (!*contest)
        return;
    for (size_t r = 0; r < CONTEST_RULES; r++) {
        struct side *side = &(*contest)->sides[r];
        mem_free(side->entries);
        mem_free(side->table);
        mem_free(side->spare);
        ghosts_free(&side->ghosts);
    }
    mem_free_p(contest);
}

/* --- the table of one --- */
static size_t home_of(const struct contest *contest, uint64_t hash)
{
    return hash_mix(hash + 1) & (contest->slots - 1);
}

/* Where it is, or where it would be. */
static size_t find(const struct contest *contest, const struct side *side, uint64_t hash)
{
    size_t at = home_of(contest, hash);
    while (side->table[at] && side->entries[side->table[at] - 1].hash != hash)
        at = (at + 1) & (contest->slots - 1);
    return at;
}

/* Out of the table, and those that were pushed on by it back. */
static void forget(struct contest *contest, struct side *side, uint64_t hash)
{
    size_t mask = contest->slots - 1, hole = find(contest, side, hash);
    side->spare[side->spare_count++] = side->table[hole] - 1;
    for (size_t at = (hole + 1) & mask; side->table[at]; at = (at + 1) & mask) {
        size_t home = home_of(contest, side->entries[side->table[at] - 1].hash);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it would come before its home */
        side->table[hole] = side->table[at];
        hole = at;
    }
    side->table[hole] = 0;
}

/* --- the logs of one --- */
static void append(struct side *side, uint32_t number)
{
    struct entry *entry = &side->entries[number - 1];
    entry->value = logs_value(&side->logs, &entry->mark, entry->size_bytes);
    entry->mark.is_hit = false;
    entry->next = 0;
    unsigned log = logs_which(&side->logs, entry->value);
    if (side->last[log])
        side->entries[side->last[log] - 1].next = number;
    else
        side->first[log] = number;
    side->last[log] = number;
}

static uint32_t take_least(struct side *side)
{
    unsigned least = LOGS;
    for (unsigned log = 0; log < LOGS; log++)
        if (side->first[log] && (least == LOGS || side->entries[side->first[log] - 1].value <
                                                      side->entries[side->first[least] - 1].value))
            least = log;
    assert(least < LOGS);
    uint32_t number = side->first[least];
    side->first[least] = side->entries[number - 1].next;
    if (!side->first[least])
        side->last[least] = 0;
    return number;
}

static void make_room(struct contest *contest, struct side *side, uint64_t size)
{
    while (side->bytes > 0 && side->bytes + size > side->logs.limit_bytes) {
        uint32_t number = take_least(side);
        const struct entry *entry = &side->entries[number - 1];
        logs_left(&side->logs, entry->value);
        if (entry->mark.is_hit && !side->logs.rule.is_once) {
            append(side, number);
            continue;
        }
        side->bytes -= entry->size_bytes;
        ghosts_remember(side->ghosts, entry->hash, entry->mark.asked);
        forget(contest, side, entry->hash);
    }
}

static void ask_one(struct contest *contest, struct side *side, uint64_t hash, uint64_t size)
{
    size_t at = find(contest, side, hash);
    uint32_t random = (uint32_t)hash_mix(side->random++);
    uint8_t stamp = logs_stamp(&side->logs);
    if (side->table[at]) {
        struct entry *entry = &side->entries[side->table[at] - 1];
        entry->mark = log_mark_hit(entry->mark, stamp, random);
        return;
    }
    side->misses++;
    side->missed_bytes += (double)size;
    if (size == 0 || size > side->logs.limit_bytes)
        return;
    make_room(contest, side, size);
    assert(side->spare_count > 0);
    uint32_t spare = side->spare[--side->spare_count];
    struct log_mark mark = {0, stamp, false};
    int asked = ghosts_recall(side->ghosts, hash);
    if (asked >= 0)
        mark = log_mark_hit((struct log_mark){(uint8_t)asked, 0, false}, stamp, random);
    side->entries[spare] = (struct entry){.hash = hash, .size_bytes = size, .mark = mark};
    side->table[find(contest, side, hash)] = spare + 1;
    side->bytes += size;
    logs_came(&side->logs, &mark, size);
    append(side, spare + 1);
}

/* --- the sample --- */
static bool is_in_sample(const struct contest *contest, uint64_t hash)
{
    return (hash_mix(hash ^ 0x5a5a5a5a5a5a5a5a) &
            atomic_load_explicit(&contest->mask, memory_order_relaxed)) == 0;
}

static bool is_full(const struct contest *contest)
{
    for (size_t r = 0; r < CONTEST_RULES; r++)
        if (contest->sides[r].spare_count == 0)
            return true;
    return false;
}

/* Scaled by what the disk knows is typical. */
static void begin(struct contest *contest, const struct logs *logs)
{
    for (size_t r = 0; r < CONTEST_RULES; r++) {
        struct logs *ours = &contest->sides[r].logs;
        logs_init(ours, RULES[r], logs->limit_bytes);
        ours->mean_size = logs->mean_size;
        logs_follow(ours, RULES[r]);
    }
    contest->has_begun = true;
}

static void fit_ghosts(struct contest *contest)
{
    uint64_t mask = atomic_load_explicit(&contest->mask, memory_order_relaxed);
    for (size_t r = 0; r < CONTEST_RULES; r++)
        ghosts_fit(contest->sides[r].ghosts, contest->objects / (mask + 1) + 1);
}

void contest_fit(struct contest *contest, uint64_t objects)
{
    contest->objects = objects;
    fit_ghosts(contest);
}

/* Half the sample and half the room.  Those that nobody asks for any more leave by themselves. */
static void halve_sample(struct contest *contest)
{
    atomic_store(&contest->mask, 2 * contest->mask + 1);
    for (size_t r = 0; r < CONTEST_RULES; r++) {
        contest->sides[r].logs.limit_bytes = contest->sides[r].logs.limit_bytes / 2 + 1;
        contest->sides[r].logs.tick /= 2;
        make_room(contest, &contest->sides[r], 0);
    }
    fit_ghosts(contest);
}

static void ask(struct contest *contest, uint64_t hash, uint64_t size)
{
    while (is_in_sample(contest, hash) && is_full(contest))
        halve_sample(contest);
    if (!is_in_sample(contest, hash))
        return;
    contest->asks++;
    for (size_t r = 0; r < CONTEST_RULES; r++)
        ask_one(contest, &contest->sides[r], hash, size);
}

void contest_note(struct contest *contest, uint64_t hash, uint64_t size_bytes)
{
    if (!is_in_sample(contest, hash) ||
        atomic_load_explicit(&contest->note_count, memory_order_relaxed) >= NOTES)
        return;
    uint32_t at = atomic_fetch_add_explicit(&contest->note_count, 1, memory_order_relaxed);
    if (at >= NOTES)
        return;
    atomic_store_explicit(&contest->notes[at].size_bytes, size_bytes, memory_order_relaxed);
    atomic_store_explicit(&contest->notes[at].hash, hash, memory_order_release);
}

/* One that is being written just now is lost, or seen the next time. */
static void read_notes(struct contest *contest)
{
    uint32_t count = atomic_load_explicit(&contest->note_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count && i < NOTES; i++) {
        struct note *note = &contest->notes[i];
        uint64_t hash = atomic_exchange_explicit(&note->hash, 0, memory_order_acquire);
        if (hash)
            ask(contest, hash, atomic_load_explicit(&note->size_bytes, memory_order_relaxed));
    }
    atomic_store_explicit(&contest->note_count, 0, memory_order_relaxed);
}

/* --- verdicts --- */
/* How much less than LRU its copy misses, as a logarithm; negative: more, in one way or the other.
 */
static double promise_of(const struct contest *contest, unsigned r)
{
    const struct side *lru = &contest->sides[0], *side = &contest->sides[r];
    double objects = log((lru->misses + 1) / (side->misses + 1)),
           bytes = log((lru->missed_bytes + 1) / (side->missed_bytes + 1));
    if (objects < 0 || bytes < 0)
        return objects < bytes ? objects : bytes;
    return objects + bytes;
}

static double lead_of(const struct contest *contest, unsigned r)
{
    return promise_of(contest, r) + contest->sides[r].shortfall;
}

/* The disk beside the copy that it followed.  Not of a part of all asks: what falls into it is
 * luck, and the disk has no LRU beside it to tell luck from the rule. */
static void hold_to_promise(struct contest *contest)
{
    struct side *leader = &contest->sides[contest->leader];
    double promised = leader->misses - contest->leader_misses, before = leader->shortfall;
    double held = log((promised + 1) / (contest->disk_misses + 1));
    for (size_t r = 0; r < CONTEST_RULES; r++)
        contest->sides[r].shortfall *= FORGIVE;
    if (contest->leader != 0 && atomic_load_explicit(&contest->mask, memory_order_relaxed) == 0)
        leader->shortfall = fmin(before + (held - before) * LEARN, 0);
}

static bool judge(struct contest *contest, struct log_rule *ret)
{
    if (contest->asks < ASKS_A_NODE * contest->nodes)
        return false;
    contest->asks = 0;
    hold_to_promise(contest);
    unsigned best = contest->leader;
    double most = lead_of(contest, best);
    most += most > 0 || best == 0 ? MARGIN : 0; /* LRU is left for what is clearly better only */
    for (unsigned r = 0; r < CONTEST_RULES; r++) {
        if (lead_of(contest, r) > most) {
            best = r;
            most = lead_of(contest, r);
        }
    }
    for (size_t r = 0; r < CONTEST_RULES; r++) {
        contest->sides[r].misses *= FORGET;
        contest->sides[r].missed_bytes *= FORGET;
    }
    bool is_other = best != contest->leader;
    contest->leader = best;
    contest->leader_misses = contest->sides[best].misses;
    contest->disk_misses = 0;
    *ret = RULES[best];
    return is_other;
}

bool contest_ask(struct contest *contest, uint64_t hash, uint64_t size_bytes,
                 const struct logs *logs, struct log_rule *ret)
{
    if (!contest->has_begun)
        begin(contest, logs);
    read_notes(contest);
    contest->disk_misses += is_in_sample(contest, hash);
    ask(contest, hash, size_bytes);
    return judge(contest, ret);
}
