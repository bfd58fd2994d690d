// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One round of the thread:
 *
 *   meet    after each new connection: is it the record that we follow, and what has arrived there?
 *   claims  names that somebody waits for
 *   push    what the journal has, in pieces
 *   pull    what others wrote, when we were told, or when our own number shows a gap
 *   wait    for the journal, for word of a change, or a while
 *
 * Any failure ends the round; the next one is a second later and begins with meet.
 */
#include "state/record.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "state/database_postgres.h"
#include "state/model.h"
#include "store/journal_tail.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    RETRY_MS = 1000,
    LOOK_MS = 3000, /* without word: word may be lost with a connection that looks alive */
    GATHER_US = 10 * 1000,
    PUSH_ITEMS = 20000,
    PUSH_BYTES = 4 * 1024 * 1024,
    LEARN_ITEMS = 1000, /* some milliseconds of the loop's time */
    LEARN_BYTES = 1024 * 1024,
    LEARN_AGAIN_US = 50 * 1000,
    REMEMBER_US =
        2 * 1000 * 1000, /* the cursor is written to state.db at most this often without news */
};

struct record {
    struct database *database;
    struct record_config config;
    pthread_t thread;
    int wake_fd;

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    pthread_cond_t has_landed;
    struct record_status status;
    struct record_claim *first_claim, **last_claim;
    size_t claims;
    bool is_stopping;
    struct landing *landing; /* what was given to the loop and has not come back */
    bool is_taken;           /* what came back last */

    /* the thread's own */
    struct journal_tail tail;
    struct changes scratch;
    struct effects *pushing, *learning;
    uint64_t cursor, remembered, remembered_us;
    bool is_met, is_behind, is_last;
};

/* A message to the loop; it outlives a record that stops meanwhile. */
struct landing {
    struct record *record; /* NULL: gone.  The loop's thread alone looks and changes */
};

static bool is_stopping(struct record *record)
{
    pthread_mutex_lock(&record->lock);
    bool is_stopping = record->is_stopping;
    pthread_mutex_unlock(&record->lock);
    return is_stopping;
}

struct record_status record_status(struct record *record)
{
    pthread_mutex_lock(&record->lock);
    struct record_status status = record->status;
    pthread_mutex_unlock(&record->lock);
    return status;
}

void record_wake(struct record *record)
{
    const uint64_t one = 1;
    (void)!write(record->wake_fd, &one, sizeof one); /* full means that it is awake */
}

static void drain(const struct record *record)
{
    uint64_t many;
    (void)!read(record->wake_fd, &many, sizeof many);
}

/* --- meeting --- */

static int meet(struct record *record)
{
    struct database_record remote;
    uint64_t lsn = 0;
    int error = database_record(record->database, &remote);
    if (!error && !uid_equal(remote.id, record->config.id))
        error = DATABASE_FOREIGN;
    error = error ? error : database_mark_of(record->database, record->config.device, &lsn);
    if (error)
        return error;
    if (remote.number < record->cursor) { /* a standby that had not got everything took over */
        LOG_EVENT(record->config.logger, LOG_ERROR,
                  "the database has lost its newest changes; reading all of it again");
        record->cursor = 0;
    }
    journal_tail_release(&record->tail);
    journal_tail_init(&record->tail, record->config.journal, lsn);
    journal_hold(record->config.journal, lsn);
    record->is_met = record->is_behind = true;
    pthread_mutex_lock(&record->lock);
    record->status.pushed_lsn = lsn;
    pthread_mutex_unlock(&record->lock);
    return 0;
}

/* --- pushing --- */

static bool gather(void *context, uint64_t lsn, struct text bytes)
{
    struct record *record = context;
    struct effects *pushing = record->pushing;
    struct operation operation;
    const char *why;
    if (pushing->count >= PUSH_ITEMS || arena_used(pushing->arena) >= PUSH_BYTES)
        return false;
    if (operation_decode(bytes, &operation, &why))
        (void)!model_project(&record->scratch, &operation,
                             pushing); /* refused here is refused there */
    pushing->lsn = lsn;
    return true;
}

static void pushed(struct record *record, uint64_t lsn, uint64_t number)
{
    if (number == record->cursor + 1 && !record->is_behind)
        record->cursor = number; /* nobody else was between */
    else
        record->is_behind = true;
    journal_hold(record->config.journal, lsn);
    pthread_mutex_lock(&record->lock);
    record->status.pushed_lsn = lsn;
    pthread_mutex_unlock(&record->lock);
}

static int push(struct record *record)
{
    bool has_more = true;
    int error = 0;
    while (has_more && !error && (record->is_last || !is_stopping(record))) {
        uint64_t number;
        effects_reset(record->pushing);
        int failed = journal_tail_read(&record->tail, gather, record, &has_more);
        if (failed) {
            LOG(record->config.logger, LOG_ERROR, "the journal cannot be read",
                {"error", log_errno(failed)});
            return DATABASE_UNREACHABLE; /* like a record that is not there: later again */
        }
        if (!record->pushing->lsn)
            continue;
        error = database_push(record->database, record->pushing, record->config.device, &number);
        if (!error)
            pushed(record, record->pushing->lsn, number);
    }
    return error;
}

/* --- pulling --- */

static void land(void *context)
{
    struct landing *landing = context;
    struct record *record = landing->record;
    mem_free(landing);
    if (!record)
        return;
    bool is_taken = record->config.learn(record->config.context, record->learning);
    pthread_mutex_lock(&record->lock);
    record->landing = NULL;
    record->is_taken = is_taken;
    pthread_cond_signal(&record->has_landed);
    pthread_mutex_unlock(&record->lock);
}

/* Gives what was learnt to the loop and waits until it is merged; false when stopping. */
static bool deliver(struct record *record)
{
    bool is_taken = false;
    while (!is_taken && !is_stopping(record)) {
        struct landing *landing = MEM_NEW(struct landing);
        landing->record = record;
        pthread_mutex_lock(&record->lock);
        record->landing = landing;
        loop_post(record->config.loop, land, landing);
        while (record->landing && !record->is_stopping)
            pthread_cond_wait(&record->has_landed, &record->lock);
        is_taken = !record->landing && record->is_taken;
        bool is_over = record->is_stopping;
        pthread_mutex_unlock(&record->lock);
        if (is_over)
            return false; /* the loop may still have what was learnt */
        if (!is_taken)
            usleep(LEARN_AGAIN_US);
    }
    effects_reset(record->learning);
    return is_taken;
}

static bool learn(struct record *record, const struct effect *effect)
{
    effects_add(record->learning, effect);
    if (record->learning->count < LEARN_ITEMS && arena_used(record->learning->arena) < LEARN_BYTES)
        return true;
    return deliver(record);
}

static bool learn_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    return learn(context,
                 &(struct effect){EFFECT_CELL, .cell = {name->account, name->space, name->key,
                                                        cell->value, cell->order}});
}

static bool learn_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    return learn(context,
                 &(struct effect){EFFECT_SEEN, .seen = {device, {first, last, 0}, last, 0}});
}

static bool learn_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    return learn(
        context,
        &(struct effect){EFFECT_DIGEST, .seen = {.device = device, .seq = seq, .digest = digest}});
}

static bool learn_play(void *context, const struct database_play *play)
{
    return learn(context,
                 &(struct effect){EFFECT_PLAY, .play = {play->device, play->account, play->seq,
                                                        play->hlc, play->track, play->at_ms,
                                                        play->accepted_ms, play->payload}});
}

static bool learn_kept(void *context, struct text bytes)
{
    return learn(context, &(struct effect){EFFECT_KEPT, .kept = {.bytes = bytes}});
}

/* Writes down how far we are; with the last of what was learnt, or alone. */
static void remember(struct record *record)
{
    if (record->cursor == record->remembered)
        return;
    record->learning->cursor = record->cursor;
    if (!deliver(record))
        return;
    record->remembered = record->cursor;
    record->remembered_us = clock_monotonic_us();
    pthread_mutex_lock(&record->lock);
    record->status.cursor = record->cursor;
    pthread_mutex_unlock(&record->lock);
}

static int pull(struct record *record)
{
    const struct database_sink sink = {.cell = learn_cell,
                                       .range = learn_range,
                                       .digest = learn_digest,
                                       .kept = learn_kept,
                                       .play = learn_play,
                                       .context = record};
    uint64_t number = record->cursor;
    effects_reset(record->learning);
    int error = database_changes(record->database, record->cursor, &sink, &number);
    if (error || is_stopping(record))
        return error;
    record->cursor = number;
    record->is_behind = false;
    remember(record);
    return 0;
}

/* --- names --- */

static void tell(void *context)
{
    struct record_claim *claim = context;
    claim->done(claim);
}

static void answer_claims(struct record *record, int error)
{
    pthread_mutex_lock(&record->lock);
    struct record_claim *claim = record->first_claim, *next;
    record->first_claim = NULL;
    record->last_claim = &record->first_claim;
    record->claims = 0;
    pthread_mutex_unlock(&record->lock);
    for (; claim; claim = next) {
        next = claim->_next;
        if (!error)
            error = database_claim_name(record->database, claim->folded, claim->account,
                                        &claim->is_ours);
        claim->error = error;
        loop_post(record->config.loop, tell, claim);
    }
}

/* Lock held. */
static bool has_place(const struct record *record)
{
    size_t most = record->config.max_names ? record->config.max_names : RECORD_MAX_NAMES;
    bool has_place = record->claims < most || !guard_is_on(GUARD_NAMES_WAITING);
    if (!has_place)
        counter_add(COUNTER_RECORD_NAMES_REFUSED, 1);
    return has_place && !record->is_stopping;
}

void record_claim(struct record *record, struct record_claim *claim)
{
    pthread_mutex_lock(&record->lock);
    claim->_next = NULL;
    claim->error = record->status.error;
    if (!claim->error && !has_place(record))
        claim->error = DATABASE_SLOW;
    if (!claim->error) {
        *record->last_claim = claim;
        record->last_claim = &claim->_next;
        record->claims++;
    }
    bool is_answered = claim->error != 0;
    pthread_mutex_unlock(&record->lock);
    if (is_answered) /* known to be away: nobody waits to hear that */
        loop_post(record->config.loop, tell, claim);
    else
        record_wake(record);
}

/* --- the thread --- */

static void report(struct record *record, int error)
{
    pthread_mutex_lock(&record->lock);
    int before = record->status.error;
    record->status.error = error;
    pthread_mutex_unlock(&record->lock);
    if (error && error != before)
        LOG(record->config.logger, LOG_ERROR,
            "the database of record is away; what listeners do is kept in the journal",
            {"database", text_of(database_words(error))},
            {"said", text_of(database_detail(record->database))});
    else if (!error && before)
        LOG_EVENT(record->config.logger, LOG_INFO, "the database of record is back");
}

static int wait(struct record *record)
{
    bool is_told = false;
    int error = database_await_change(record->database, record->wake_fd, LOOK_MS, &is_told);
    drain(record);
    if (error || is_stopping(record))
        return error;
    struct database_record remote;
    usleep(GATHER_US); /* what comes together goes together */
    if (is_told)
        record->is_behind = true;
    else if (!record->is_behind) { /* also tells that the connection lives */
        error = database_record(record->database, &remote);
        record->is_behind = !error && remote.number != record->cursor;
    }
    return error;
}

static int round_of(struct record *record)
{
    int error = record->is_met ? 0 : meet(record);
    if (error)
        return error;
    report(record, 0);
    answer_claims(record, 0);
    error = push(record);
    if (!error && record->is_behind)
        error = pull(record);
    if (!error && clock_monotonic_us() - record->remembered_us > REMEMBER_US)
        remember(record);
    return error ? error : wait(record);
}

static void pause_for(struct record *record, int64_t ms)
{
    uint64_t until_us = clock_monotonic_us() + (uint64_t)ms * 1000, now_us;
    while ((now_us = clock_monotonic_us()) < until_us) {
        struct pollfd fd = {.fd = record->wake_fd, .events = POLLIN};
        (void)poll(&fd, 1, (int)((until_us - now_us) / 1000) + 1);
        drain(record);
        if (is_stopping(record))
            return;
    }
}

static void *run(void *context)
{
    struct record *record = context;
    while (!is_stopping(record)) {
        int error = round_of(record);
        if (!error)
            continue;
        record->is_met = false;
        report(record, error);
        answer_claims(record, error);
        pause_for(record, RETRY_MS);
    }
    answer_claims(record, DATABASE_SLOW);
    record->is_last = true;
    if (record
            ->is_met) /* what came last goes along, so that a short command leaves nothing behind */
        (void)!push(record);
    return NULL;
}

struct record *record_start(struct database *database, const struct record_config *config)
{
    sigset_t all, before;
    struct record *record = MEM_NEW(struct record);
    record->database = database;
    record->config = *config;
    record->cursor = record->remembered = config->cursor;
    record->last_claim = &record->first_claim;
    record->pushing = effects_new();
    record->learning = effects_new();
    changes_init(&record->scratch);
    journal_tail_init(&record->tail, config->journal, 0);
    record->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(record->wake_fd >= 0);
    pthread_mutex_init(&record->lock, NULL);
    pthread_cond_init(&record->has_landed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
    int failed = pthread_create(&record->thread, NULL, run, record);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    pthread_setname_np(record->thread, "record");
    return record;
}

void record_stop(struct record **record_at)
{
    struct record *record = *record_at;
    if (!record)
        return;
    pthread_mutex_lock(&record->lock);
    record->is_stopping = true;
    if (record->landing)
        record->landing->record = NULL;
    pthread_cond_signal(&record->has_landed);
    pthread_mutex_unlock(&record->lock);
    record_wake(record);
    pthread_join(record->thread, NULL);
    database_close(&record->database);
    journal_tail_release(&record->tail);
    effects_free(&record->pushing);
    effects_free(&record->learning);
    changes_release(&record->scratch);
    close(record->wake_fd);
    pthread_cond_destroy(&record->has_landed);
    pthread_mutex_destroy(&record->lock);
    mem_free_p(record_at);
}
