// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The write path: judge → journal → merge → tell.
 *
 *   batch_submit()  where other origins share a database of record, asks it for new names first
 *   send()          judges each operation; encodes what may go on; appends it as one entry
 *   on_durable()    on the loop, when the entry is on the disk or refused: merges in order, tells
 *   on_judged()     the same for batches of which nothing needed the disk
 */
#include "state/batch_internal.h"
#include "state/state_internal.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/json_tree.h"
#include "base/mem.h"

#include <errno.h>

enum { NAME_ARENA_BYTES = 32 * 1024 * 1024 };

/* --- judging --- */

/* Kinds that a player may send through POST /ops: its listener's own, and signing things out. */
static bool is_for_players(enum operation_kind kind)
{
    return operation_kind_class(kind) == OPERATION_MERGEABLE || kind == KIND_APP_REVOKE ||
           kind == KIND_SESSION_REVOKE || kind == KIND_PASSKEY_REVOKE;
}

/* Kinds that anybody may write about themselves through our own handlers. */
static bool is_for_oneself(enum operation_kind kind)
{
    return is_for_players(kind) || kind == KIND_PASSWORD || kind == KIND_APP ||
           kind == KIND_SESSION || kind == KIND_PASSKEY || kind == KIND_REQUEST;
}

/* Whether the node may speak for that listener was judged by whoever filled the batch. */
static const char *why_not_forwarded(const struct batch *batch, const struct batch_item *item)
{
    if (!state_account(batch->state, item->operation.account))
        return "there is no such account (any more)";
    if (!batch->state->forwards && uid_equal(item->operation.device, batch->state->device))
        return "this device is the server itself";
    return NULL;
}

static const char *why_forbidden(const struct batch *batch, const struct batch_item *item)
{
    enum operation_kind kind = operation_kind_from(item->operation.kind);
    if (item->is_forwarded)
        return why_not_forwarded(batch, item);
    if (batch->author.is_operator)
        return NULL;
    if (!uid_equal(item->operation.account, batch->author.account))
        return "it is another account's";
    if (!(item->is_from_player ? is_for_players(kind) : is_for_oneself(kind)))
        return "it takes an administrator";
    if (item->is_from_player && uid_equal(item->operation.device, batch->state->device))
        return "this device is the server itself: draw another id";
    if (!state_account(batch->state, item->operation.account))
        return "there is no such account (any more)";
    return NULL;
}

/* The name that an operation would give to an account, folded; NULL when it gives none.  Accounts
 * are few and seldom made: the payload is simply read again.  The caller frees. */
static char *name_in(const struct operation *operation)
{
    if (operation_kind_from(operation->kind) != KIND_ACCOUNT)
        return NULL;
    const char *why;
    struct arena *arena = arena_new(NAME_ARENA_BYTES);
    const struct json_node *name =
        json_tree_member(json_tree_read(arena, operation->payload, &why), TEXT("name"));
    char *words = json_tree_is(name, JSON_NODE_TEXT) ? text_dup(name->text) : NULL;
    arena_free(&arena);
    for (char *c = words; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
    return words;
}

static bool is_name_taken(const struct state *state, const struct operation *operation)
{
    char *name = name_in(operation);
    const struct account *holder =
        name ? accounts_by_name(state->model.accounts, text_of(name)) : NULL;
    bool is_taken = holder && !uid_equal(holder->id, operation->account);
    mem_free(name);
    return is_taken;
}

static const char NAME_TAKEN[] = "this name is taken: choose another";

static enum outcome outcome_of(enum model_verdict verdict)
{
    static const enum outcome outcomes[] = {[MODEL_MERGED] = OUTCOME_ACCEPTED,
                                            [MODEL_BEFORE] = OUTCOME_DUPLICATE,
                                            [MODEL_CONFLICT] = OUTCOME_CONFLICT,
                                            [MODEL_INVALID] = OUTCOME_REFUSED,
                                            [MODEL_FULL] = OUTCOME_FULL};
    return outcomes[verdict];
}

/* Our own operations get their id and stamp here, so that they are numbered in the order of the
 * journal. */
static void stamp(struct state *state, struct batch_item *item, int64_t now_ms)
{
    struct operation *operation = &item->operation;
    if (!item->is_forwarded)
        operation->accepted_ms = now_ms;
    if (!item->is_ours) {
        clock_observe(&state->clock, operation->hlc, now_ms);
        return;
    }
    operation->hlc = clock_next(&state->clock, now_ms);
    if (item->is_derived)
        return;
    operation->device = state->device;
    operation->seq = state->next_seq++;
}

static const char TOO_LATE[] =
    "what was accepted here before has waited too long for the origin: try again later";

static const char UNPROVEN[] =
    "this node renewed the sign-in itself while the origin is away, and could not prove there that "
    "this was asked: it is kept where it is, or goes to the listener's own nodes";

static bool is_too_late(const struct state *state, int64_t now_ms)
{
    return state->max_waiting_ms && state->waiting_since_ms &&
           now_ms - state->waiting_since_ms > state->max_waiting_ms &&
           guard_is_on(GUARD_WRITES_LATE);
}

static bool is_of_session(const struct operation *operation)
{
    enum operation_kind kind = operation_kind_from(operation->kind);
    return kind == KIND_SESSION || kind == KIND_SESSION_REVOKE;
}

static enum outcome judge(struct batch *batch, struct batch_item *item, const char **ret_why)
{
    struct state *state = batch->state;
    *ret_why = why_forbidden(batch, item);
    if (*ret_why)
        return OUTCOME_FORBIDDEN;
    if (state->gave_way) {
        *ret_why = "another origin has taken this one's place; what was saved is safe";
        return OUTCOME_FULL;
    }
    if (is_too_late(state, batch->author.now_ms)) {
        counter_add(COUNTER_WRITES_REFUSED_LATE, 1);
        *ret_why = TOO_LATE;
        return OUTCOME_FULL;
    }
    if (batch->author.is_unproven && !is_of_session(&item->operation)) {
        counter_add(COUNTER_WRITES_REFUSED_UNPROVEN, 1);
        *ret_why = UNPROVEN;
        return OUTCOME_FULL;
    }
    stamp(state, item, batch->author.now_ms);
    item->operation.digest = operation_digest(&item->operation); /* for judging and for merging */
    if (is_name_taken(state, &item->operation)) {
        *ret_why = NAME_TAKEN;
        return OUTCOME_REFUSED;
    }
    enum outcome outcome = outcome_of(model_check(&state->model, &item->operation, ret_why));
    if (outcome == OUTCOME_DUPLICATE && item->is_forwarded &&
        model_would_change(&state->model, &item->operation))
        outcome =
            OUTCOME_ACCEPTED; /* merging says that it was there, and takes the greater order */
    if (outcome != OUTCOME_ACCEPTED)
        return outcome;
    return apply_has_room(state->apply, OPERATION_MAX_BYTES) ? OUTCOME_ACCEPTED : OUTCOME_FULL;
}

/* Encodes one operation behind the others; decoding it again is the check that the journal will be
 * readable. */
static bool encode_item(struct batch *batch, size_t i, size_t records)
{
    struct operation again;
    const char *why;
    size_t start = batch->encoded.size;
    operation_encode(&batch->items[i].operation, &batch->encoded);
    struct text bytes = text_make(batch->encoded.data + start, batch->encoded.size - start);
    if (batch->encoded.overflowed || !operation_decode(bytes, &again, &why)) {
        batch->encoded.size = start;
        batch_refuse(batch, i, OUTCOME_REFUSED, batch->encoded.overflowed ? "is too large" : why);
        batch->encoded.overflowed = false;
        return false;
    }
    batch->record_ends[records] = batch->encoded.size;
    return batch->items[i].is_sent = true;
}

static const struct batch_outcome *first_refused(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->outcomes[i].outcome > OUTCOME_DUPLICATE)
            return &batch->outcomes[i];
    return NULL;
}

static void refuse_all(struct batch *batch, struct batch_outcome as)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch_refuse(batch, i, as.outcome, as.why);
        batch->items[i].is_sent = false;
    }
}

static void judge_all(struct batch *batch)
{
    size_t records = 0;
    batch->records = mem_realloc_array(NULL, batch->count + 1, sizeof *batch->records);
    batch->record_ends = mem_realloc_array(NULL, batch->count + 1, sizeof *batch->record_ends);
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_outcome *outcome = &batch->outcomes[i];
        if (outcome->outcome == OUTCOME_ACCEPTED) {
            outcome->outcome = judge(batch, &batch->items[i], &outcome->why);
            outcome->seq = batch->items[i].operation.seq;
        }
        if (outcome->outcome == OUTCOME_ACCEPTED)
            records += encode_item(batch, i, records);
    }
    const struct batch_outcome *refused = batch->is_all_or_none ? first_refused(batch) : NULL;
    if (refused) {
        refuse_all(batch, *refused);
        records = 0;
    }
    for (size_t i = 0, start = 0; i < records; start = batch->record_ends[i++])
        batch->records[i] = text_make(batch->encoded.data + start, batch->record_ends[i] - start);
    batch->entry.records = batch->records;
    batch->entry.count = records;
}

/* --- telling --- */

static void tell(struct batch *batch)
{
    struct batch_result result = {.count = batch->count, .outcomes = batch->outcomes};
    for (size_t i = 0; i < batch->count; i++)
        if (batch->outcomes[i].outcome > result.whole)
            result.whole = batch->outcomes[i].outcome;
    struct state *state = batch->state;
    if (batch->done && !state->is_closed)
        batch->done(batch->context, &result);
    batch_free(&batch);
    state_landed(state);
}

static void on_judged(void *context) { tell(context); }

/* What a drill does without GUARD_DURABLE_FIRST: the answer goes before the journal has a word of
 * it. */
static void tell_early(void *context)
{
    struct batch *batch = context;
    const struct batch_result result = {.count = batch->count, .outcomes = batch->outcomes};
    if (batch->done && !batch->state->is_closed)
        batch->done(batch->context, &result);
    batch->done = NULL;
}

static void refuse_sent(struct batch *batch, int error)
{
    bool is_full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG || error == -EAGAIN;
    counter_add(COUNTER_WRITES_REFUSED_FULL, is_full);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].is_sent)
            batch_refuse(batch, i, is_full ? OUTCOME_FULL : OUTCOME_FAILED, NULL);
}

enum outcome state_take(struct state *state, const struct operation *operation,
                        struct effects *effects, const char **ret_why)
{
    if (is_name_taken(state, operation)) {
        *ret_why = NAME_TAKEN;
        return OUTCOME_REFUSED;
    }
    enum outcome outcome = outcome_of(model_merge(&state->model, operation, effects, ret_why));
    if (outcome == OUTCOME_ACCEPTED)
        arrival_note_play(state, operation);
    return outcome;
}

/* One word for operations in a row that belong to the same account. */
static void touch_changed(struct batch *batch)
{
    const struct uid *last = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const struct uid *account = &batch->items[i].operation.account;
        if (!batch->items[i].is_sent || batch->outcomes[i].outcome != OUTCOME_ACCEPTED ||
            (last && uid_equal(*last, *account)))
            continue;
        state_touch(batch->state, *account);
        last = account;
    }
}

static void merge_sent(struct batch *batch)
{
    struct state *state = batch->state;
    struct effects *effects = apply_begin(state->apply);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].is_sent)
            batch->outcomes[i].outcome =
                state_take(state, &batch->items[i].operation, effects, &batch->outcomes[i].why);
    uint64_t lsn = batch->entry.first_lsn + batch->entry.count - 1;
    touch_changed(batch);
    state_set_merged(state, lsn); /* before the apply thread may write it down */
    apply_end(state->apply, lsn);
    state_keep_within(state);
    if (state->record)
        record_wake(state->record);
    if (state->forwards && !state->waiting_since_ms)
        state->waiting_since_ms = batch->author.now_ms;
    if (state->grown)
        state->grown(state->grown_context);
}

static void on_durable(struct journal_entry *entry)
{
    struct batch *batch = CONTAINER_OF(entry, struct batch, entry);
    if (entry->error)
        refuse_sent(batch, entry->error);
    else if (!batch->state->is_closed) /* closed: it is in the journal, the next start merges it */
        merge_sent(batch);
    tell(batch);
}

static void send(struct batch *batch)
{
    struct state *state = batch->state;
    judge_all(batch);
    batch->entry.loop = state->loop;
    batch->entry.done = on_durable;
    if (batch->entry.count) {
        if (!guard_is_on(GUARD_DURABLE_FIRST))
            loop_post(state->loop, tell_early, batch); /* ahead of on_durable(), which frees it */
        int error = journal_append(state->journal, &batch->entry);
        if (!error)
            return;
        refuse_sent(batch, error);
    }
    loop_post(state->loop, on_judged, batch);
}

/* --- names, where other origins could give them away, too --- */

static const char NAME_UNKNOWN[] =
    "the database cannot be asked whether this name is free: try again later";

struct naming {
    struct record_claim claim;
    struct batch *batch;
    size_t item;
    char *name;
};

static bool claim_next(struct batch *batch, size_t first);

static void on_claimed(struct record_claim *claim)
{
    struct naming *naming = CONTAINER_OF(claim, struct naming, claim);
    struct batch *batch = naming->batch;
    size_t item = naming->item;
    if (claim->error)
        batch_refuse(batch, item, OUTCOME_FAILED, NAME_UNKNOWN);
    else if (!claim->is_ours)
        batch_refuse(batch, item, OUTCOME_REFUSED, NAME_TAKEN);
    mem_free(naming->name);
    mem_free(naming);
    if (batch->state->is_closed)
        tell(batch);
    else if (!claim_next(batch, item + 1))
        send(batch);
}

/* Asks for the next name in the batch; false when there is none left. */
static bool claim_next(struct batch *batch, size_t first)
{
    for (size_t i = first; i < batch->count; i++) {
        char *name = batch->outcomes[i].outcome == OUTCOME_ACCEPTED
                         ? name_in(&batch->items[i].operation)
                         : NULL;
        if (!name || is_name_taken(batch->state, &batch->items[i].operation)) {
            mem_free(name); /* judge() says so */
            continue;
        }
        struct naming *naming = MEM_NEW(struct naming);
        *naming = (struct naming){.batch = batch, .item = i, .name = name};
        naming->claim.folded = text_of(name);
        naming->claim.account = batch->items[i].operation.account;
        naming->claim.done = on_claimed;
        record_claim(batch->state->record, &naming->claim);
        return true;
    }
    return false;
}

void batch_submit(struct batch **batch_at, batch_done *done, void *context)
{
    struct batch *batch = *batch_at;
    *batch_at = NULL;
    batch->done = done;
    batch->context = context;
    batch->state->in_flight++;
    if (!batch->author.is_operator || !batch->state->record || !claim_next(batch, 0))
        send(batch);
}
