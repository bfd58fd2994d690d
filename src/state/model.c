// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/model.h"

#include "base/guard.h"
#include "base/mem.h"

#include <assert.h>

void model_init(struct model *model, const struct model_limits *limits)
{
    *model = (struct model){.cells = cells_new(limits->max_cells, limits->max_cells_per_account),
                            .seen = seen_new(limits->max_devices, limits->max_ranges_per_device),
                            .accounts = accounts_new(),
                            .passkeys = passkeys_new(),
                            .requests = requests_new(),
                            .listeners = listeners_new(),
                            .playlists = playlists_new()};
    changes_init(&model->changes);
}

void model_release(struct model *model)
{
    cells_free(&model->cells);
    seen_free(&model->seen);
    accounts_free(&model->accounts);
    passkeys_free(&model->passkeys);
    requests_free(&model->requests);
    listeners_free(&model->listeners);
    playlists_free(&model->playlists);
    changes_release(&model->changes);
}

void model_settle(struct model *model)
{
    listeners_settle(model->listeners);
    playlists_settle(model->playlists);
}

/* Only the view that knows the space takes it. */
static void show(struct model *model, struct uid account, enum space space, struct text key,
                 const struct cell *cell)
{
    int64_t changed_ms = clock_ms(cell->order.hlc);
    accounts_apply(model->accounts, account, space, key, cell->value, changed_ms);
    passkeys_apply(model->passkeys, account, space, key, cell->value);
    requests_apply(model->requests, account, space, key, cell->value);
    listeners_apply(model->listeners, account, space, key, cell->value, changed_ms);
    playlists_apply(model->playlists, account, space, key, cell->value, changed_ms);
}

bool model_load_cell(struct model *model, const struct cell_name *name, const struct cell *cell)
{
    if (name->key.size > NAME_MAX_BYTES ||
        cells_merge(model->cells, name->account, name->space, name->key, cell->value,
                    &cell->order) != CELLS_WON)
        return false;
    show(model, name->account, name->space, name->key, cell);
    return true;
}

void model_load_count(struct model *model, struct uid account, struct subject subject,
                      struct plays plays)
{
    listeners_play(model->listeners, account, subject, plays.count, plays.last_ms);
}

/* --- deleted playlists --- */

static bool is_of_playlist(enum space space)
{
    return space > SPACE_PLAYLIST_NAME && space <= SPACE_ENTRY;
}

/* The name cell of a deleted playlist is final; it alone stays, to swallow whatever arrives later.
 */
static bool is_swallowed(const struct model *model, struct uid account, const struct change *change)
{
    if (!is_of_playlist(change->space))
        return false;
    const struct cell *name = cells_get(model->cells, account, SPACE_PLAYLIST_NAME,
                                        text_make(change->key.data, UID_BYTES));
    return name && name->order.is_final;
}

static void drop(struct model *model, struct uid account, enum space space, struct text key,
                 struct effects *effects)
{
    if (!cells_get(model->cells, account, space, key))
        return;
    if (effects)
        effects_add(effects,
                    &(struct effect){EFFECT_CELL_DROP,
                                     .cell = {.account = account, .space = space, .key = key}});
    cells_drop(model->cells, account, space, key);
}

static void sweep_playlist(struct model *model, struct uid account, struct uid id,
                           struct effects *effects)
{
    struct uid key[2] = {id};
    size_t cursor = 0;
    drop(model, account, SPACE_PLAYLIST_COMMENT, uid_view(&id), effects);
    drop(model, account, SPACE_PLAYLIST_PUBLIC, uid_view(&id), effects);
    drop(model, account, SPACE_PLAYLIST_CREATED, uid_view(&id), effects);
    while (playlists_entry_next(model->playlists, account, id, &cursor, &key[1]))
        drop(model, account, SPACE_ENTRY, text_make((char *)key, sizeof key), effects);
    playlists_forget(model->playlists, account, id);
}

/* --- merging --- */

static bool merge_cell(struct model *model, struct uid account, const struct change *change,
                       const struct operation_order *order, struct effects *effects)
{
    struct uid id;
    if (is_swallowed(model, account, change) ||
        cells_merge(model->cells, account, change->space, change->key, change->value, order) !=
            CELLS_WON)
        return false; /* never for want of room: model_check() saw some */
    show(model, account, change->space, change->key,
         cells_get(model->cells, account, change->space, change->key));
    if (effects)
        effects_add(effects,
                    &(struct effect){EFFECT_CELL, .cell = {account, change->space, change->key,
                                                           change->value, *order}});
    if (change->space == SPACE_PLAYLIST_NAME && change->is_final) {
        memcpy(id.bytes, change->key.data, UID_BYTES);
        sweep_playlist(model, account, id, effects);
    }
    return true;
}

static void merge_change(struct model *model, const struct operation *operation,
                         const struct change *change, struct effects *effects)
{
    struct operation_order order = operation_order(operation);
    order.is_final = change->is_final;
    (void)merge_cell(model, operation->account, change, &order, effects);
}

/* Counts once, but takes the latest time of any delivery: a maximum, like everything else. */
static void merge_play(struct model *model, const struct operation *operation,
                       const struct counted_play *play, bool is_new, struct effects *effects)
{
    bool counts = is_new || !guard_is_on(GUARD_SEEN);
    for (size_t i = 0; i < play->subject_count; i++) {
        struct plays plays = listeners_play(model->listeners, operation->account, play->subjects[i],
                                            counts, play->at_ms);
        if (effects)
            effects_add(effects, &(struct effect){EFFECT_COUNT,
                                                  .count = {operation->account, play->subjects[i],
                                                            plays.count, plays.last_ms,
                                                            operation->device, operation->seq, i}});
    }
    if (effects && is_new && play->subject_count)
        effects_add(effects,
                    &(struct effect){EFFECT_PLAY,
                                     .play = {operation->device, operation->account, operation->seq,
                                              operation->hlc, play->subjects[0], play->at_ms,
                                              operation->accepted_ms, operation->payload}});
}

/* A derived id means what it says: the same play told with other details is the same play. */
static uint64_t digest_of(const struct operation *operation)
{
    if (operation->seq & OPERATION_DERIVED)
        return 0;
    return operation->digest ? operation->digest : operation_digest(operation);
}

static enum model_verdict from_seen(enum seen_verdict seen)
{
    static const enum model_verdict verdicts[] = {[SEEN_NEW] = MODEL_MERGED,
                                                  [SEEN_BEFORE] = MODEL_BEFORE,
                                                  [SEEN_CONFLICT] = MODEL_CONFLICT,
                                                  [SEEN_FULL] = MODEL_FULL};
    return verdicts[seen];
}

static enum model_verdict check(struct model *model, const struct operation *operation,
                                uint64_t digest, const char **ret_why)
{
    if (!payload_read(operation, &model->changes, ret_why))
        return MODEL_INVALID;
    if (!cells_has_room(model->cells, operation->account, model->changes.count))
        return MODEL_FULL;
    enum seen_verdict seen = seen_check(model->seen, operation->device, operation->seq, digest);
    return seen == SEEN_BEFORE && !guard_is_on(GUARD_SEEN) ? MODEL_MERGED : from_seen(seen);
}

enum model_verdict model_check(struct model *model, const struct operation *operation,
                               const char **ret_why)
{
    return check(model, operation, digest_of(operation), ret_why);
}

bool model_would_change(const struct model *model, const struct operation *operation)
{
    struct operation_order order = operation_order(operation);
    for (size_t i = 0; i < model->changes.count; i++) {
        const struct change *change = &model->changes.items[i];
        const struct cell *held =
            cells_get(model->cells, operation->account, change->space, change->key);
        order.is_final = change->is_final;
        if (held ? operation_order_compare(&order, &held->order) > 0
                 : !is_swallowed(model, operation->account, change))
            return true;
    }
    return false;
}

static void keep_unknown(const struct operation *operation, struct effects *effects)
{
    struct buffer bytes;
    if (!effects || operation_kind_from(operation->kind) != KIND_UNKNOWN)
        return;
    buffer_init(&bytes, OPERATION_MAX_BYTES);
    operation_encode(operation, &bytes);
    effects_add(effects, &(struct effect){EFFECT_KEPT, .kept = {operation->device, operation->seq,
                                                                buffer_view(&bytes)}});
    buffer_release(&bytes);
}

enum model_verdict model_merge(struct model *model, const struct operation *operation,
                               struct effects *effects, const char **ret_why)
{
    struct seen_change range;
    uint64_t digest = digest_of(operation);
    enum model_verdict verdict = check(model, operation, digest, ret_why);
    if (verdict != MODEL_MERGED && verdict != MODEL_BEFORE)
        return verdict;
    verdict = from_seen(seen_add(model->seen, operation->device, operation->seq, digest, &range));
    if (verdict == MODEL_FULL)
        return verdict;
    bool is_new = verdict == MODEL_MERGED;
    if (is_new && effects)
        effects_add(effects, &(struct effect){EFFECT_SEEN, .seen = {operation->device, range,
                                                                    operation->seq, digest}});
    for (size_t i = 0; i < model->changes.count; i++)
        merge_change(model, operation, &model->changes.items[i], effects);
    merge_play(model, operation, &model->changes.play, is_new, effects);
    if (is_new)
        keep_unknown(operation, effects);
    return verdict;
}

/* --- by way of the state of record --- */

static bool learn_cell(struct model *model, const struct effect *learnt, struct effects *effects)
{
    const struct change change = {.space = learnt->cell.space,
                                  .is_final = learnt->cell.order.is_final,
                                  .key = learnt->cell.key,
                                  .value = learnt->cell.value};
    bool is_known = cells_get(model->cells, learnt->cell.account, change.space, change.key);
    if (change.key.size > NAME_MAX_BYTES ||
        (change.space == SPACE_PLAYLIST_NAME && change.key.size != UID_BYTES) ||
        (is_of_playlist(change.space) && change.key.size < UID_BYTES) ||
        (!is_known && !cells_has_room(model->cells, learnt->cell.account, 1)))
        return false;
    return merge_cell(model, learnt->cell.account, &change, &learnt->cell.order, effects);
}

static bool learn_play(struct model *model, const struct effect *learnt, struct effects *effects)
{
    const char *why;
    const struct operation operation = {.device = learnt->play.device,
                                        .seq = learnt->play.seq,
                                        .hlc = learnt->play.hlc,
                                        .accepted_ms = learnt->play.accepted_ms,
                                        .account = learnt->play.account,
                                        .kind = text_of(operation_kind_name(KIND_PLAY)),
                                        .payload = learnt->play.payload};
    return model_merge(model, &operation, effects, &why) == MODEL_MERGED;
}

static void learn_range(struct model *model, const struct effect *learnt, struct effects *effects)
{
    struct seen_change changes[SEEN_JOINED];
    size_t count;
    do {
        count = seen_join(model->seen, learnt->seen.device, learnt->seen.range.first,
                          learnt->seen.range.last, changes);
        for (size_t i = 0; effects && i < count; i++)
            effects_add(effects, &(struct effect){EFFECT_SEEN,
                                                  .seen = {learnt->seen.device, changes[i], 0, 0}});
    } while (count == SEEN_JOINED);
}

static bool learn_kept(struct model *model, const struct effect *learnt, struct effects *effects)
{
    struct operation operation;
    const char *why;
    if (!operation_decode(learnt->kept.bytes, &operation, &why))
        return false;
    if (effects)
        effects_add(effects, learnt);
    return operation_kind_from(operation.kind) != KIND_UNKNOWN &&
           model_merge(model, &operation, effects, &why) == MODEL_MERGED;
}

bool model_learn(struct model *model, const struct effect *learnt, struct effects *effects)
{
    switch (learnt->kind) {
    case EFFECT_CELL:
        return learn_cell(model, learnt, effects);
    case EFFECT_PLAY:
        return learn_play(model, learnt, effects);
    case EFFECT_SEEN:
        learn_range(model, learnt, effects);
        return false;
    case EFFECT_DIGEST:
        seen_load_digest(model->seen, learnt->seen.device, learnt->seen.seq, learnt->seen.digest);
        if (effects)
            effects_add(effects, learnt);
        return false;
    case EFFECT_KEPT:
        return learn_kept(model, learnt, effects);
    case EFFECT_CELL_DROP:
    case EFFECT_COUNT:
    case EFFECT_KINDS:
        break; /* these follow from the others */
    }
    return false;
}

void model_replace(struct model *model, const struct cell_name *name, const struct cell *cell,
                   struct effects *effects)
{
    const struct change change = {.space = name->space,
                                  .is_final = cell->order.is_final,
                                  .key = name->key,
                                  .value = cell->value};
    drop(model, name->account, name->space, name->key, effects);
    if (cell->value.size)
        (void)merge_cell(model, name->account, &change, &cell->order, effects);
    else
        show(model, name->account, name->space, name->key, cell);
}

static void project_play(const struct operation *operation, const struct counted_play *play,
                         struct effects *effects)
{
    if (play->subject_count == 0)
        return;
    effects_add(effects,
                &(struct effect){EFFECT_PLAY,
                                 .play = {operation->device, operation->account, operation->seq,
                                          operation->hlc, play->subjects[0], play->at_ms,
                                          operation->accepted_ms, operation->payload}});
    for (size_t i = 0; i < play->subject_count; i++)
        effects_add(effects,
                    &(struct effect){EFFECT_COUNT,
                                     .count = {operation->account, play->subjects[i], 1,
                                               play->at_ms, operation->device, operation->seq, i}});
}

bool model_project(struct changes *scratch, const struct operation *operation,
                   struct effects *effects)
{
    const char *why;
    struct operation_order order = operation_order(operation);
    if (!payload_read(operation, scratch, &why))
        return false;
    effects_add(effects, &(struct effect){EFFECT_SEEN, .seen = {operation->device,
                                                                {operation->seq, operation->seq, 0},
                                                                operation->seq,
                                                                digest_of(operation)}});
    for (size_t i = 0; i < scratch->count; i++) {
        const struct change *change = &scratch->items[i];
        order.is_final = change->is_final;
        effects_add(effects,
                    &(struct effect){EFFECT_CELL, .cell = {operation->account, change->space,
                                                           change->key, change->value, order}});
    }
    project_play(operation, &scratch->play, effects);
    keep_unknown(operation, effects);
    return true;
}
