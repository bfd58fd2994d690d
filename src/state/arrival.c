// SPDX-License-Identifier: GPL-3.0-or-later
/*
 *   state_arrived()  what was a conflict is journalled anew ─durable─▶ counts are set right ─▶ done
 *
 *   arrival_open()   at the start: counts again what the journal holds and the origin does not
 */
#include "state/arrival.h"

#include "base/hash.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/random.h"
#include "state/batch_internal.h"
#include "state/offer.h"
#include "state/state_internal.h"
#include "store/journal_tail.h"

#include <sodium.h>

struct state_outbox state_outbox(const struct state *state)
{
    return (struct state_outbox){state->journal, state->journal_id, state->device};
}

void state_on_journalled(struct state *state, void (*grown)(void *context), void *context)
{
    state->grown = grown;
    state->grown_context = context;
}

int64_t state_waiting_since_ms(const struct state *state) { return state->waiting_since_ms; }

/* --- what waits --- */

void arrival_note_play(struct state *state, const struct operation *operation)
{
    const struct counted_play *play = &state->model.changes.play;
    const struct listener *listener = listeners_get(state->model.listeners, operation->account);
    for (size_t i = 0; state->uncounted && i < play->subject_count; i++)
        uncounted_add(state->uncounted, operation->account, play->subjects[i],
                      listener_plays(listener, play->subjects[i]).count);
}

void arrival_freeze(struct state *state, struct uid account, struct subject subject)
{
    const struct listener *listener = listeners_get(state->model.listeners, account);
    uint64_t shown = listener_plays(listener, subject).count, waiting = 0;
    if (state->uncounted)
        waiting = uncounted_waiting(state->uncounted, account, subject);
    if (state->frozen)
        frozen_keep(state->frozen, account, subject, shown > waiting ? shown - waiting : 0);
}

static bool take_waiting(void *context, uint64_t lsn UNUSED, struct text record)
{
    struct state *state = context;
    struct operation operation;
    const char *why;
    if (!operation_decode(record, &operation, &why))
        return true;
    if (state->forwards && !state->waiting_since_ms)
        state->waiting_since_ms = operation.accepted_ms;
    if (payload_read(&operation, &state->model.changes, &why))
        arrival_note_play(state, &operation);
    return true;
}

/* Counts again what the journal holds behind `lsn`. */
static int count_behind(struct state *state, uint64_t lsn)
{
    struct journal_tail tail;
    bool has_more = true;
    int error = 0;
    state->uncounted = uncounted_new(random_u64(), UNCOUNTED_MAX);
    journal_tail_init(&tail, state->journal, lsn);
    while (has_more && !error)
        error = journal_tail_read(&tail, take_waiting, state, &has_more);
    journal_tail_release(&tail);
    return error;
}

int arrival_open(struct state *state, const struct state_forwarded *forwarded)
{
    uint64_t lsn = uid_equal(forwarded->journal, state->journal_id) ? forwarded->lsn : 0;
    journal_hold(state->journal, lsn);
    state->max_waiting_ms = forwarded->max_waiting_ms;
    state->forwards = true;
    return count_behind(state, lsn);
}

/* --- of an origin that was an edge (offer.h) --- */

void state_offers_expect(struct state *state)
{
    if (state->forwards || state->uncounted || !state->keeps_bytes || state->record)
        return;
    if (count_behind(state, state->kept_lsn) != 0)
        uncounted_free(&state->uncounted); /* then the greater count is taken */
}

void state_offers_over(struct state *state)
{
    if (state->forwards)
        return;
    uncounted_free(&state->uncounted);
    if (state->kept_for_offers && !state->record) /* which holds it for reasons of its own */
        state_keep_no_more(state);
}

/* --- what arrived --- */

struct arriving {
    struct state *state;
    state_applied *done;
    void *context;
    uint64_t lsn;
    int64_t at_ms, last_ms;
    size_t count, anew;
    struct one {
        struct operation operation; /* texts in the arena */
        enum outcome outcome;
    } * items;
    struct arena *arena;
    bool is_durable;
};

static void end(struct arriving *arriving)
{
    arriving->done(arriving->context, arriving->is_durable);
    arena_free(&arriving->arena);
    mem_free(arriving->items);
    mem_free(arriving);
}

static void on_applied(void *context, bool is_durable)
{
    struct arriving *arriving = context;
    arriving->is_durable = is_durable;
    end(arriving);
}

static void show(struct state *state, struct uid account, struct subject subject, uint64_t count,
                 struct effects *effects)
{
    struct plays held = listener_plays(listeners_get(state->model.listeners, account), subject);
    if (held.count == count)
        return;
    (void)listeners_set(state->model.listeners, account, subject, count, held.last_ms);
    effects_add(effects, &(struct effect){EFFECT_COUNT, .count = {.account = account,
                                                                  .subject = subject,
                                                                  .count = count,
                                                                  .last_ms = held.last_ms}});
    state_touch(state, account);
}

static void settle(struct state *state, const struct one *one, int64_t at_ms,
                   struct effects *effects)
{
    const char *why;
    uint64_t shown;
    if (!payload_read(&one->operation, &state->model.changes, &why))
        return;
    const struct counted_play *play = &state->model.changes.play;
    for (size_t i = 0; i < play->subject_count; i++) {
        arrival_freeze(state, one->operation.account, play->subjects[i]);
        if (uncounted_arrived(state->uncounted, one->operation.account, play->subjects[i],
                              one->outcome == OUTCOME_ACCEPTED, at_ms, &shown))
            show(state, one->operation.account, play->subjects[i], shown, effects);
    }
}

/* The origin never judges a request that it did not take: who asked shall not wait for it. */
static void end_request(struct state *state, const struct one *one, int64_t at_ms,
                        struct effects *effects)
{
    const struct changes *changes = &state->model.changes;
    const char *why;
    struct buffer value;
    if (operation_kind_from(one->operation.kind) != KIND_REQUEST ||
        !payload_read(&one->operation, &state->model.changes, &why))
        return;
    buffer_init(&value, 256);
    buffer_u64(&value, (uint64_t)at_ms);
    buffer_byte(&value, false);
    buffer_text(&value, TEXT("the origin did not take it from this node"));
    const struct effect decided = {
        EFFECT_CELL, .cell = {one->operation.account, SPACE_REQUEST_DECIDED, changes->items[0].key,
                              buffer_view(&value), operation_order(&one->operation)}};
    (void)model_learn(&state->model, &decided, effects);
    buffer_release(&value);
    state_touch(state, one->operation.account);
}

static bool is_for_ever(enum outcome outcome)
{
    return outcome == OUTCOME_REFUSED || outcome == OUTCOME_FORBIDDEN;
}

static void settle_all(struct arriving *arriving)
{
    struct state *state = arriving->state;
    struct effects *effects = apply_begin(state->apply);
    for (size_t i = 0; i < arriving->count; i++) {
        settle(state, &arriving->items[i], arriving->at_ms, effects);
        if (is_for_ever(arriving->items[i].outcome))
            end_request(state, &arriving->items[i], arriving->at_ms, effects);
    }
    apply_end(state->apply, 0);
    bool is_all = arriving->lsn >= state->merged_lsn;
    state->waiting_since_ms = is_all ? 0 : arriving->last_ms;
    state_when_applied(state, on_applied, arriving);
}

/*
 * The same operation under an id that follows from the old one and from what it says, so that doing
 * this twice is once, here and anywhere.
 */
static void give_another_id(struct operation *operation)
{
    uint8_t device[UID_BYTES];
    uint64_t digest = operation_digest(operation);
    crypto_generichash_state hash;
    static const char words[] = "sostenuto journalled anew 1";
    crypto_generichash_init(&hash, NULL, 0, sizeof device);
    crypto_generichash_update(&hash, (const uint8_t *)words, sizeof words);
    crypto_generichash_update(&hash, operation->device.bytes, UID_BYTES);
    crypto_generichash_update(&hash, (const uint8_t *)&operation->seq, sizeof operation->seq);
    crypto_generichash_final(&hash, device, sizeof device);
    memcpy(operation->device.bytes, device, sizeof device);
    operation->seq = digest >> 2 | OPERATION_DERIVED;
    operation->digest = 0;
}

static void on_anew(void *context, const struct batch_result *result)
{
    struct arriving *arriving = context;
    arriving->is_durable = outcome_status(result->whole) != 503;
    if (arriving->is_durable)
        settle_all(arriving);
    else
        end(arriving);
}

static void journal_anew(struct arriving *arriving)
{
    struct state *state = arriving->state;
    struct batch *batch =
        batch_new(state, &(struct batch_author){.now_ms = arriving->at_ms, .is_operator = true});
    for (size_t i = 0; i < arriving->count; i++) {
        if (arriving->items[i].outcome != OUTCOME_CONFLICT)
            continue;
        struct operation operation = arriving->items[i].operation;
        give_another_id(&operation);
        batch_forwarded(batch, &operation, OUTCOME_ACCEPTED, NULL);
    }
    batch_submit(&batch, on_anew, arriving);
}

void state_arrived(struct state *state, const struct arrival *arrivals, size_t count, uint64_t lsn,
                   int64_t at_ms, state_applied *done, void *context)
{
    struct arriving *arriving = MEM_NEW(struct arriving);
    const char *why;
    *arriving = (struct arriving){
        .state = state, .done = done, .context = context, .lsn = lsn, .at_ms = at_ms};
    arriving->items = mem_realloc_array(NULL, count + 1, sizeof *arriving->items);
    arriving->arena = arena_new((size_t)64 << 20);
    for (size_t i = 0; i < count; i++) {
        struct one *one = &arriving->items[arriving->count];
        struct text bytes = arena_text(arriving->arena, arrivals[i].operation);
        if (!bytes.data || !operation_decode(bytes, &one->operation, &why))
            continue; /* our own journal had it: damaged, and said at the start */
        one->outcome = arrivals[i].outcome;
        arriving->anew += one->outcome == OUTCOME_CONFLICT;
        arriving->last_ms = one->operation.accepted_ms;
        arriving->count++;
    }
    if (arriving->anew)
        journal_anew(arriving);
    else
        settle_all(arriving);
}
