// SPDX-License-Identifier: GPL-3.0-or-later
/* Who leaves the disk: logs in the order of worth, ghosts, the contest of rules, what is copied. */
#include "base/hash.h"
#include "base/mem.h"
#include "store/cache_chooser.h"
#include "store/cache_contest.h"
#include "store/cache_ghosts.h"
#include "tap.h"

static const struct log_rule LRU = {0, 0, 1, false}, BY_ASKED = {1, 0, 1, false};
static const struct log_mark NEW = {0, 0, false};

/* --- worth --- */
static void order_is_worth(void)
{
    struct logs logs;
    struct log_mark often = {12, 0, false}; /* eight times */
    logs_init(&logs, BY_ASKED, 1000);
    logs_came(&logs, &NEW, 10);
    double once = logs_value(&logs, &NEW, 10), eight = logs_value(&logs, &often, 10);
    OK(eight > 7.9 * once && eight < 8.1 * once, "eight asks are worth eight times one");
    OK(logs_which(&logs, eight) > logs_which(&logs, once), "and lie in a higher log");
    logs_left(&logs, once);
    OK(logs_value(&logs, &NEW, 10) > once && logs_value(&logs, &NEW, 10) < eight,
       "as others leave, what comes in is worth more than what was wanted once before");
    logs_left(&logs, once / 2);
    OK(logs.level >= once, "and the level never sinks");
    OK(logs_which(&logs, 0) == 0 && logs_which(&logs, 1e300) == LOGS - 1, "there are so many logs");
}

static void lru_knows_when(void)
{
    struct logs logs;
    logs_init(&logs, LRU, 1000);
    struct log_mark early = {40, logs_stamp(&logs), false};
    for (unsigned i = 0; i < 10; i++)
        logs_came(&logs, &NEW, 50);
    struct log_mark late = {0, logs_stamp(&logs), false};
    OK(logs_value(&logs, &late, 10) > logs_value(&logs, &early, 9),
       "to LRU the last ask is all that counts");
    for (unsigned i = 0; i < 20; i++)
        logs_came(&logs, &NEW, 50);
    OK(logs_value(&logs, &late, 10) > logs_value(&logs, &early, 9), "also a turn later");
}

static void rules_change(void)
{
    struct logs logs, before;
    logs_init(&logs, BY_ASKED, 1000);
    struct log_stand wanted = {0}, other = {0};
    struct log_mark often = {12, 0, false};
    logs_came(&logs, &NEW, 10);
    log_stand_add(&other, logs_value(&logs, &NEW, 10), &NEW, 10);
    log_stand_add(&wanted, logs_value(&logs, &often, 10), &often, 10);
    logs_left(&logs, other.value / 2);
    before = logs;
    logs_follow(&logs, LRU);
    double half = logs_carry(&before, &logs, &other), most = logs_carry(&before, &logs, &wanted);
    OK(half > logs.level && half < most, "another rule keeps the order of what is there");
    OK(logs_value(&logs, &(struct log_mark){0, logs_stamp(&logs), false}, 10) >= most,
       "and what comes in now is not behind it");
}

/* --- marks and ghosts --- */
static void marks_count(void)
{
    double sum = 0;
    for (uint32_t i = 0; i < 200; i++) {
        struct log_mark mark = NEW;
        for (uint32_t asks = 0; asks < 99; asks++)
            mark = log_mark_hit(mark, 5, (uint32_t)hash_mix(i * 1000 + asks));
        double asked = 1;
        for (unsigned quarter = 0; quarter < mark.asked; quarter++)
            asked *= 1.189207115;
        sum += asked;
    }
    OK(sum / 200 > 80 && sum / 200 < 125, "a hundred asks count as about a hundred in six bits");
    struct log_mark mark = log_mark_hit((struct log_mark){LOG_ASKED_MOST, 0, false}, 7, 0);
    OK(mark.asked == LOG_ASKED_MOST && mark.asked_at == 7 && mark.is_hit, "and never overflow");
}

static void ghosts_remember_some(void)
{
    struct ghosts *ghosts = ghosts_new(1000);
    OK(ghosts_recall(ghosts, 7) < 0, "nobody is known");
    ghosts_remember(ghosts, 7, 20);
    OK(ghosts_recall(ghosts, 7) == 20, "who left is known with what it was asked");
    OK(ghosts_recall(ghosts, 7) < 0, "once");
    ghosts_remember(ghosts, 7, 20);
    for (uint64_t i = 0; i < 100000; i++)
        ghosts_remember(ghosts, hash_mix(i), 0);
    OK(ghosts_recall(ghosts, 7) <= 0, "and is forgotten");
    ghosts_remember(ghosts, 7, 20);
    ghosts_fit(ghosts, 100);
    OK(ghosts_recall(ghosts, 7) < 0, "with another measure all are forgotten");
    ghosts_remember(ghosts, 7, 20);
    OK(ghosts_recall(ghosts, 7) == 20, "and remembered as before");
    ghosts_remember(ghosts, 7, 20);
    for (uint64_t i = 0; i < 800; i++) /* twice what is remembered of a hundred */
        ghosts_remember(ghosts, hash_mix(i), 0);
    OK(ghosts_recall(ghosts, 7) <= 0, "in that measure");
    ghosts_fit(ghosts, 1000000);
    for (uint64_t i = 0; i < 100000; i++)
        ghosts_remember(ghosts, hash_mix(i), 0);
    ghosts_free(&ghosts);
    OK(!ghosts, "which is never larger than at birth, and they can be freed");
}

/* --- what the contest remembers and believes --- */
enum { TAKES = 100, SIZE = 10 };

/* Whether one that left is known when it comes back and `others` left after it. */
static bool is_known_behind(struct chooser *full, unsigned others)
{
    struct log_mark mark, often = {20, 0, false};
    chooser_left(full, hash_mix(1), &often, SIZE);
    for (uint64_t i = 0; i < others; i++)
        chooser_left(full, hash_mix(1000 + i), &NEW, SIZE);
    (void)!chooser_came(full, hash_mix(1), SIZE, &mark);
    return mark.asked >= 20;
}

static void remembers_in_its_measure(void)
{
    struct chooser *roomy = chooser_new(1000000, 1 << 30, SIZE),
                   *resumed = chooser_new(1000000, 1 << 30, SIZE);
    struct log_mark mark;
    struct region_header header = {.sequence = 9, .first_serial = 1};
    roomy->logs.limit_bytes = resumed->logs.limit_bytes = TAKES * SIZE;
    for (uint64_t i = 0; i < TAKES; i++)
        (void)!chooser_came(roomy, hash_mix(i), SIZE, &mark);
    (void)!chooser_full(roomy);
    OK(is_known_behind(roomy, TAKES), "who left a full disk is known when it comes back");
    OK(!is_known_behind(roomy, 40 * TAKES),
       "but not behind forty times what the disk takes, whatever its index could");
    logs_left(&roomy->logs, 5);
    chooser_describe(roomy, 7, &mark, SIZE, &header);
    chooser_resume(resumed, &header);
    logs_meet(&resumed->logs, 0, 3.3); /* log2 of SIZE, as its regions say */
    (void)!chooser_came(resumed, hash_mix(2), SIZE, &mark);
    OK(is_known_behind(resumed, TAKES) && !is_known_behind(resumed, 40 * TAKES),
       "nor after a restart");
    chooser_free(&roomy);
    chooser_free(&resumed);
}

/* A loop that LRU always misses and others hit mostly, on a disk that has the first `hits` of it.
 * How often there was another rule to follow. */
static unsigned changes_with(unsigned hits)
{
    enum { NODES = 256, LOOP = 150, ASKS = 400 * NODES };
    struct contest *contest = contest_new(NODES);
    struct logs logs;
    struct log_rule rule;
    unsigned changes = 0;
    logs_init(&logs, contest_first(), TAKES);
    contest_fit(contest, TAKES);
    for (unsigned i = 0; i < ASKS; i++) {
        if (i >= 2 * LOOP && i % LOOP < hits)
            contest_note(contest, hash_mix(i % LOOP), 1);
        else
            changes += contest_ask(contest, hash_mix(i % LOOP), 1, &logs, &rule);
    }
    contest_free(&contest);
    return changes;
}

static void promises_are_held(void)
{
    unsigned kept = changes_with(99), broken = changes_with(0);
    printf("# another rule: %u times on a disk as good as its copies, %u on one that has nothing\n",
           kept, broken);
    OK(kept <= 4, "a rule that holds what its copy promised is followed on");
    OK(broken >= 8, "and one that does not is left for the next");
}

/* --- a disk of objects of one byte, in regions of EIGHT --- */
enum { OBJECTS = 4096, LIMIT = 208, EIGHT = 8, REGIONS = LIMIT };
typedef unsigned asker(uint64_t i);

static struct {
    struct log_stand stand;
    unsigned count, log, objects[EIGHT];
} regions[REGIONS];
static unsigned open_in[LOGS]; /* region + 1 */
static struct log_mark marks[OBJECTS];
static bool is_in[OBJECTS];
static unsigned bytes, written;
static struct chooser *chooser;

static void append(unsigned object)
{
    double value = logs_value(&chooser->logs, &marks[object], 1);
    unsigned log = logs_which(&chooser->logs, value), at = open_in[log];
    if (!at || regions[at - 1].count == EIGHT) {
        for (at = 1; regions[at - 1].count > 0;)
            at++;
        memset(&regions[at - 1], 0, sizeof regions[0]);
        regions[at - 1].log = log;
        open_in[log] = at;
    }
    log_stand_add(&regions[at - 1].stand, value, &marks[object], 1);
    regions[at - 1].objects[regions[at - 1].count++] = object;
    bytes++;
    written++;
}

static void carry(void)
{
    memset(open_in, 0, sizeof open_in);
    for (unsigned i = 0; i < REGIONS; i++)
        if (regions[i].count > 0)
            chooser_carry(chooser, &regions[i].stand);
}

static void reclaim(void)
{
    unsigned least = 0, gone[EIGHT];
    if (chooser_full(chooser))
        carry();
    for (unsigned i = 1; i < REGIONS; i++)
        if (regions[i].count > 0 &&
            (regions[least].count == 0 || regions[i].stand.value < regions[least].stand.value))
            least = i;
    unsigned count = regions[least].count;
    memcpy(gone, regions[least].objects, sizeof gone);
    if (open_in[regions[least].log] == least + 1)
        open_in[regions[least].log] = 0;
    regions[least].count = 0;
    bytes -= count;
    logs_left(&chooser->logs, regions[least].stand.value);
    for (unsigned i = 0; i < count; i++) {
        if (chooser_stays(chooser, &marks[gone[i]], 1)) {
            append(gone[i]);
            continue;
        }
        chooser_left(chooser, hash_mix(gone[i]), &marks[gone[i]], 1);
        is_in[gone[i]] = false;
    }
}

static unsigned misses_of(asker *ask, uint64_t asks)
{
    unsigned misses = 0;
    chooser = chooser_new(LIMIT, 1 << 30, EIGHT);
    chooser->logs.limit_bytes = LIMIT;
    memset(regions, 0, sizeof regions);
    memset(open_in, 0, sizeof open_in);
    memset(is_in, 0, sizeof is_in);
    bytes = written = 0;
    for (uint64_t i = 0; i < asks; i++) {
        unsigned object = ask(i);
        if (is_in[object]) {
            marks[object] =
                log_mark_hit(marks[object], logs_stamp(&chooser->logs), (uint32_t)hash_mix(i));
            chooser_hit(chooser, hash_mix(object), 1);
            continue;
        }
        misses++;
        if (chooser_came(chooser, hash_mix(object), 1, &marks[object]))
            carry();
        while (bytes + 1 + EIGHT > LIMIT)
            reclaim();
        is_in[object] = true;
        append(object);
    }
    chooser_free(&chooser);
    return misses;
}

static unsigned misses_of_lru(asker *ask, uint64_t asks, unsigned limit)
{
    static uint64_t last[OBJECTS];
    unsigned misses = 0, count = 0;
    memset(last, 0, sizeof last);
    for (uint64_t i = 0; i < asks; i++) {
        unsigned object = ask(i), oldest = OBJECTS;
        if (last[object] == 0) {
            misses++;
            count++;
            for (unsigned o = 0; o < OBJECTS && count > limit; o++)
                if (last[o] > 0 && (oldest == OBJECTS || last[o] < last[oldest]))
                    oldest = o;
            if (oldest < OBJECTS) {
                last[oldest] = 0;
                count--;
            }
        }
        last[object] = i + 1;
    }
    return misses;
}

/* Some that are wanted, each rarely, among many that pass by: LRU keeps the wrong ones. */
static unsigned among_passers(uint64_t i)
{
    return (unsigned)(i % 2 ? hash_mix(i) % 250 : 250 + i / 2 % (OBJECTS - 250));
}
/* Near what was just asked for, moving on: frequency knows nothing. */
static unsigned moving_on(uint64_t i) { return (unsigned)((i / 40 + hash_mix(i) % 160) % OBJECTS); }
/* Nearly all of it is asked for in every turn. */
static unsigned all_fit(uint64_t i) { return (unsigned)(hash_mix(i) % (LIMIT + 20)); }

static void follows_who_misses_least(void)
{
    enum { ASKS = 60000 };
    unsigned ours = misses_of(among_passers, ASKS), lru = misses_of_lru(among_passers, ASKS, LIMIT);
    printf("# among passers: %u misses, LRU %u\n", ours, lru);
    OK(ours < lru / 10 * 8, "what is wanted is kept from what passes by");
    ours = misses_of(moving_on, ASKS);
    lru = misses_of_lru(moving_on, ASKS, LIMIT - 5 * EIGHT); /* of 26 regions */
    printf("# moving on: %u misses, LRU %u\n", ours, lru);
    OK(ours < lru + lru / 10, "and where only the last asks count it is nearly LRU");
    ours = misses_of(all_fit, ASKS);
    printf("# nearly all fit: %u misses, %u written\n", ours, written);
    OK(written <= 5 * ours + 32 * EIGHT, "what is copied is bounded");
}

static void copying_is_bounded(void)
{
    struct log_budget budget;
    unsigned copied = 0;
    log_budget_init(&budget, 10);
    while (log_budget_take(&budget, 10))
        copied++;
    OK(copied == 32, "some regions may be copied ahead");
    log_budget_left(&budget, 5);
    OK(log_budget_take(&budget, 20) && !log_budget_take(&budget, 1),
       "then four bytes for each that leaves");
    log_budget_left(&budget, 1000000);
    OK(!log_budget_take(&budget, 321), "and never more than that ahead");
}

static void restarts(void)
{
    struct chooser *before = chooser_new(1000, 1 << 30, 1 << 20),
                   *after = chooser_new(1000, 1 << 30, 1 << 20);
    struct log_mark mark;
    for (uint64_t i = 0; i < 50; i++)
        (void)!chooser_came(before, hash_mix(i), 3000 + i, &mark);
    OK(chooser_full(before) && !chooser_full(before), "what is typical is known when it is full");
    logs_left(&before->logs, 5);
    struct region_header header = {.sequence = 9, .first_serial = 1}, read;
    uint8_t head[REGION_HEADER];
    chooser_describe(before, 7, &mark, 3000, &header);
    region_encode(&header, head);
    OK(region_decode(text_make((const char *)head, sizeof head), &read) && read.log == 7,
       "the head of a region says of which log it is");
    chooser_resume(after, &read);
    double a = logs_value(&before->logs, &mark, 3000), b = logs_value(&after->logs, &mark, 3000);
    OK(a - b < 0.001 && b - a < 0.001 && logs_stamp(&before->logs) == logs_stamp(&after->logs),
       "and what anything was worth to the process that wrote it");
    head[18] = 0; /* minor */
    OK(!region_decode(text_make((const char *)head, sizeof head), &read), "a damaged head is none");
    chooser_free(&before);
    chooser_free(&after);
}

int main(void)
{
    order_is_worth();
    lru_knows_when();
    rules_change();
    marks_count();
    ghosts_remember_some();
    remembers_in_its_measure();
    promises_are_held();
    follows_who_misses_least();
    copying_is_bounded();
    restarts();
    return tap_done();
}
