// SPDX-License-Identifier: GPL-3.0-or-later
/* Opening and closing: database → memory, journal behind its mark → memory and database, then the
 * threads. */
#include "state/state.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "state/replayed.h"
#include "state/replica.h"
#include "state/state_internal.h"

#include <assert.h>
#include <errno.h>

static const struct model_limits limits = {.max_cells = 8000000,
                                           .max_cells_per_account = 2000000,
                                           .max_devices = 200000,
                                           .max_ranges_per_device = 1 << 20};

/* --- loading --- */

static bool load_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    struct state *state = context;
    clock_observe(&state->clock, cell->order.hlc, INT64_MAX >> 17);
    return model_load_cell(&state->model, name, cell);
}

static bool load_count(void *context, struct uid account, struct subject subject,
                       struct plays plays)
{
    model_load_count(&((struct state *)context)->model, account, subject, plays);
    return true;
}

static bool load_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    return seen_load(((struct state *)context)->model.seen, device, first, last);
}

static bool load_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    seen_load_digest(((struct state *)context)->model.seen, device, seq, digest);
    return true;
}

/* Merging again is harmless; when this version knows the kind that an older one only kept, it takes
 * effect now. */
static bool load_kept(void *context, struct text bytes)
{
    struct state *state = context;
    struct operation operation;
    const char *why;
    if (operation_decode(bytes, &operation, &why) &&
        operation_kind_from(operation.kind) != KIND_UNKNOWN)
        (void)!model_merge(&state->model, &operation, NULL, &why);
    return true;
}

/* Kept operations come last in database_load(), when lists may be put in order. */
static bool load_kept_settled(void *context, struct text bytes)
{
    model_settle(&((struct state *)context)->model);
    return load_kept(context, bytes);
}

static int load(struct state *state, struct database_mark *ret_mark, struct state_error *ret_error)
{
    struct database_sink sink = {.cell = load_cell,
                                 .count = load_count,
                                 .range = load_range,
                                 .digest = load_digest,
                                 .kept = load_kept_settled,
                                 .context = state};
    int error = database_load(state->database, &sink, ret_mark, ret_error);
    model_settle(&state->model);
    return error;
}

/* --- replaying --- */

bool state_replayed_since(const struct state *state, uint64_t lsn, state_replayed *each,
                          void *context)
{
    return lsn <= state->merged_lsn && replayed_since(state->replayed, lsn, each, context);
}

struct replay {
    struct state *state;
    struct effects *effects;
    uint64_t unreadable;
    int database_error;
};

static int replay_record(void *context, uint64_t lsn, struct text record)
{
    struct replay *replay = context;
    struct operation operation;
    const char *why;
    if (!effects_has_room(replay->effects, record.size)) {
        /* the database may be behind by a whole journal: write as we go */
        replay->database_error =
            database_write(replay->state->database, replay->effects, replay->state->journal_id);
        if (replay->database_error)
            return -EIO;
        effects_reset(replay->effects);
    }
    if (operation_decode(record, &operation, &why)) {
        clock_observe(&replay->state->clock, operation.hlc, operation.accepted_ms);
        (void)!state_take(replay->state, &operation, replay->effects, &why);
        replayed_note(replay->state->replayed, lsn, operation.account);
    } else {
        replay->unreadable++; /* a newer major version, or our bug: it stays in the journal's
                                 damaged count */
        LOG(replay->state->logger, LOG_ERROR, "an operation in the journal cannot be read",
            {"lsn", LOG_NUMBER(lsn)}, {"why", text_of(why)});
    }
    replay->effects->lsn = lsn;
    return 0;
}

static void log_report(const struct state *state, const struct journal_report *report)
{
    if (report->words[0])
        LOG(state->logger, LOG_ERROR, "the journal is damaged", {"what", text_of(report->words)},
            {"lost_records", LOG_NUMBER(report->lost_records)});
    if (report->torn_bytes)
        LOG(state->logger, LOG_WARNING,
            "the journal's torn end was cut; nothing acknowledged was in it",
            {"bytes", LOG_NUMBER(report->torn_bytes)});
    if (report->replayed)
        LOG(state->logger, LOG_INFO, "operations replayed from the journal",
            {"count", LOG_NUMBER(report->replayed)});
}

static int open_journal(struct state *state, const struct state_config *config,
                        const struct database_mark *mark, struct replay *replay,
                        struct state_error *ret_error)
{
    struct journal_report report;
    char path[4096];
    snprintf(path, sizeof path, "%s/journal", config->folder);
    struct journal_config journal_config = {.folder = path,
                                            .disk = config->disk,
                                            .max_bytes = config->max_journal_bytes,
                                            .applied_lsn = mark->lsn,
                                            .expected = mark->journal};
    /* effects of a replay are about the journal that is there, whose id is not known before it is
     * opened; a write during replay that names the old one is corrected by the next */
    state->journal_id = mark->journal;
    state->replayed = replayed_new(mark->lsn);
    int error = journal_open(&journal_config, replay_record, replay, &state->journal, &report);
    if (error) {
        snprintf(ret_error->words, sizeof ret_error->words, "%s",
                 replay->database_error ? database_words(replay->database_error) : report.words);
        return error;
    }
    log_report(state, &report);
    state->journal_id = report.journal;
    state->device = report.device;
    state->damaged_records = report.lost_records + replay->unreadable;
    state->merged_lsn = replay->effects->lsn > mark->lsn ? replay->effects->lsn : mark->lsn;
    state->next_seq = seen_last(state->model.seen, state->device) + 1;
    return 0;
}

/* --- what others wrote --- */

static struct uid account_of(const struct effect *effect)
{
    return effect->kind == EFFECT_PLAY ? effect->play.account : effect->cell.account;
}

/* A record_learn: on the loop, like everything that merges. */
static bool learn(void *context, const struct effects *learnt)
{
    struct state *state = context;
    struct uid touched = {.bytes = {0}};
    int64_t now_ms = clock_unix_ms();
    if (!apply_has_room(state->apply, arena_used(learnt->arena)))
        return false;
    struct effects *effects = apply_begin(state->apply);
    for (size_t i = 0; i < learnt->count; i++) {
        const struct effect *effect = &learnt->items[i];
        if (effect->kind == EFFECT_CELL)
            clock_observe(&state->clock, effect->cell.order.hlc, now_ms);
        if (!model_learn(&state->model, effect, effects) || effect->kind == EFFECT_KEPT ||
            uid_equal(touched, account_of(effect)))
            continue;
        touched = account_of(effect);
        state_touch(state, touched);
    }
    if (learnt->cursor)
        effects->cursor = learnt->cursor;
    apply_end(state->apply, 0);
    return true;
}

static void start_record(struct state *state, size_t max_names, struct database *remote,
                         const struct database_follow *follow)
{
    const struct record_config config = {.journal = state->journal,
                                         .loop = state->loop,
                                         .logger = state->logger,
                                         .device = state->device,
                                         .id = follow->record,
                                         .cursor = follow->cursor,
                                         .max_names = max_names,
                                         .learn = learn,
                                         .context = state};
    if (remote)
        state->record = record_start(remote, &config);
}

/* --- opening --- */

static bool has_record(const struct state_config *config)
{
    return config->database && config->database[0];
}

static int open_local(struct state *state, const struct state_config *config,
                      struct database_follow *ret_follow, struct state_error *ret_error)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/state.db", config->folder);
    int error = database_open(path, &state->database, ret_error);
    if (!error && database_following(state->database, ret_follow) != 0) {
        snprintf(ret_error->words, sizeof ret_error->words, "%.300s cannot be read", path);
        error = -EIO;
    }
    if (!error && !has_record(config) && !uid_is_none(ret_follow->record)) {
        snprintf(ret_error->words, sizeof ret_error->words,
                 "%.200s is a replica of a database: give it with --database, or move what it has "
                 "into a new state folder with 'sostenuto state export'",
                 path);
        error = -EINVAL;
    }
    return error;
}

static const uint64_t journal_default_bytes = 1ULL << 30; /* store/journal.c */

static void keep_journal(struct state *state, const struct state_config *config)
{
    const struct state_forwarded *kept = config->kept;
    uint64_t max_bytes =
        config->max_journal_bytes ? config->max_journal_bytes : journal_default_bytes;
    state->kept_lsn = uid_equal(kept->journal, state->journal_id) ? kept->lsn : 0;
    journal_hold(state->journal, state->kept_lsn);
    state->keeps_bytes = max_bytes / 2;
    state->kept_for_offers = config->kept_for_offers;
}

void state_keep_no_more(struct state *state)
{
    if (!state->keeps_bytes)
        return;
    journal_hold(state->journal, UINT64_MAX);
    state->keeps_bytes = 0;
}

void state_keep_within(struct state *state)
{
    if (!state->keeps_bytes || journal_status(state->journal).bytes <= state->keeps_bytes)
        return;
    state_keep_no_more(state);
}

static int fill(struct state *state, const struct state_config *config, struct database *remote,
                struct state_error *ret_error)
{
    struct database_mark mark = {.epoch = 1};
    struct database_follow follow = {.cursor = 0};
    int error = open_local(state, config, &follow, ret_error);
    if (error)
        return error;
    if (config->now_ms > 2 * REFRESH_LIFE_MS)
        (void)!database_forget_sessions(state->database, config->now_ms - 2 * REFRESH_LIFE_MS);
    error = load(state, &mark, ret_error);
    state->epoch = mark.epoch;
    if (error)
        return error;
    struct replay replay = {.state = state, .effects = effects_new()};
    error = open_journal(state, config, &mark, &replay, ret_error);
    if (error) {
        effects_free(&replay.effects);
        return error;
    }
    if (config->kept)
        keep_journal(state, config);
    if (config->forwarded)
        error = arrival_open(state, config->forwarded);
    if (error) {
        snprintf(ret_error->words, sizeof ret_error->words, "the journal cannot be read again: %s",
                 strerrordesc_np(-error));
        journal_close(&state->journal);
        effects_free(&replay.effects);
        return error;
    }
    if (remote)
        journal_hold(state->journal, 0); /* until it is known what has arrived there */
    state->apply = apply_start(state->database, state->journal, state->journal_id, config->logger,
                               replay.effects);
    start_record(state, config->record_bounds.max_names, remote, &follow);
    return 0;
}

/* --- life --- */

static void free_state(struct state *state)
{
    model_release(&state->model);
    uncounted_free(&state->uncounted);
    frozen_free(&state->frozen);
    replayed_free(&state->replayed);
    mem_free(state->folder);
    mem_free(state);
}

int state_open(const struct state_config *config, struct state **ret, struct state_error *ret_error)
{
    struct state *state = MEM_NEW(struct state);
    state->keys = config->keys;
    state->loop = config->loop;
    state->logger = config->logger;
    state->folder = mem_strdup(config->folder);
    model_init(&state->model, &limits);
    struct database *remote = NULL;
    const struct database_bounds bounds = {config->record_bounds.connect_ms,
                                           config->record_bounds.answer_ms};
    int error = has_record(config)
                    ? replica_prepare(config->folder, config->database, &bounds, config->keys,
                                      config->logger, &remote, ret_error)
                    : 0;
    error = error ? error : fill(state, config, remote, ret_error);
    if (!error) {
        *ret = state;
        return 0;
    }
    database_close(&remote);
    database_close(&state->database);
    free_state(state);
    return error;
}

void state_close(struct state **state_at)
{
    struct state *state = *state_at;
    if (!state)
        return;
    *state_at = NULL;
    state->is_closed = true;
    struct journal *journal = state->journal;
    record_stop(&state->record);
    apply_stop(&state->apply); /* first: it trims the journal */
    journal_close(&journal);
    database_close(&state->database);
    state->in_flight++; /* ours */
    state_landed(state);
}

bool state_is_idle(const struct state *state) { return state->in_flight == 0; }

void state_landed(struct state *state)
{
    if (--state->in_flight == 0 && state->is_closed)
        free_state(state);
}

void state_touch(struct state *state, struct uid account)
{
    state->version++;
    if (state->changed)
        state->changed(state->changed_context, account, state->version);
}

void state_set_merged(struct state *state, uint64_t lsn)
{
    state->merged_lsn = lsn;
    if (state->merged)
        state->merged(state->changed_context, lsn);
}

void state_on_change(struct state *state, state_changed *changed, state_merged *merged,
                     void *context)
{
    state->changed = changed;
    state->merged = merged;
    state->changed_context = context;
}

uint64_t state_merged_lsn(const struct state *state) { return state->merged_lsn; }

void state_give_way(struct state *state) { state->gave_way = true; }

struct state_health state_health(const struct state *state)
{
    struct journal_status journal = journal_status(state->journal);
    struct apply_status apply = apply_status(state->apply);
    struct record_status record =
        state->record ? record_status(state->record) : (struct record_status){0};
    return (struct state_health){.record_error = record.error,
                                 .has_record = state->record != NULL,
                                 .pushed_lsn = record.pushed_lsn,
                                 .journal_error = journal.error,
                                 .database_error = apply.error,
                                 .durable_lsn = journal.durable_lsn,
                                 .applied_lsn = apply.applied_lsn,
                                 .journal_bytes = journal.bytes,
                                 .damaged_records = state->damaged_records,
                                 .device = state->device,
                                 .epoch = state->epoch};
}

const struct keys *state_keys(const struct state *state) { return state->keys; }
