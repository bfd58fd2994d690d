// SPDX-License-Identifier: GPL-3.0-or-later
/* The reader's half of copy.h. */
#include "base/mem.h"
#include "base/reader.h"
#include "io/clock.h"
#include "io/loop.h"
#include "state/copy_internal.h"
#include "state/export.h"
#include "trust/box.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

struct learning {
    struct state *state;
    struct uid account;
    struct effects *effects; /* NULL: only looked at */
    int64_t now_ms, made_ms;
    bool is_boxed; /* rows of a box */
    bool is_other; /* a row of somebody else, or of a kind that is not for copies */
};

/* An app's secret as it lay in the box, sealed for this node's disk.  What is held stays as it is
 * when it is the same secret: each sealing has other bytes. */
struct text copy_app_for_here(const struct state *state, const struct cell_name *name,
                              struct text value, char room[VALUE_MAX_BYTES])
{
    struct uid id;
    struct secret secret;
    struct secret_sealed sealed;
    memcpy(id.bytes, name->key.data, UID_BYTES);
    if (!secret_from_text(text_make(value.data + APP_SEALED_AT, SECRET_TEXT_BYTES), &secret))
        return TEXT_NONE;
    const struct app *held = state_app(state, id);
    struct secret_index index = secret_hash(&secret);
    struct secret known;
    bool is_held = held && memcmp(&held->index, &index, sizeof index) == 0 &&
                   secret_unseal(state->keys, &held->sealed, id, &known);
    if (is_held)
        sealed = held->sealed;
    else
        secret_seal(state->keys, &secret, id, &sealed);
    secret_wipe(&secret);
    memcpy(room, value.data, value.size);
    memcpy(room + APP_SEALED_AT, &sealed, sizeof sealed);
    return text_make(room, value.size);
}

/* The value to merge; none: this row is no good. */
static struct text value_for_here(const struct learning *learning, const struct cell_name *name,
                                  struct text value, char room[VALUE_MAX_BYTES])
{
    struct app_value app;
    bool is_app = learning->is_boxed && name->space == SPACE_APP;
    if (!is_app)
        return value;
    if (name->key.size != UID_BYTES || value.size > VALUE_MAX_BYTES || !app_value_read(value, &app))
        return TEXT_NONE;
    return copy_app_for_here(learning->state, name, value, room);
}

static bool is_expected(const struct learning *learning, const struct cell_name *name)
{
    return uid_equal(name->account, learning->account) &&
           (learning->is_boxed ? copy_is_for_box(name->space) : !copy_is_withheld(name->space));
}

static bool learn_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    char room[VALUE_MAX_BYTES];
    struct learning *learning = context;
    if (!is_expected(learning, name)) {
        learning->is_other = true;
        return false;
    }
    struct text value = value_for_here(learning, name, cell->value, room);
    if (!learning->effects || (cell->value.size && !value.size))
        return true;
    clock_observe(&learning->state->clock, cell->order.hlc, learning->now_ms);
    const struct effect effect = {
        EFFECT_CELL, .cell = {name->account, name->space, name->key, value, cell->order}};
    (void)model_learn(&learning->state->model, &effect, learning->effects);
    return true;
}

/* How many plays are seen, now that the origin counts so many: with those that wait here, else the
 * greater number is the later one. */
static bool counts(struct learning *learning, struct uid account, struct subject subject,
                   struct plays plays, uint64_t *ret_count)
{
    struct state *state = learning->state;
    uint64_t held = listener_plays(listeners_get(state->model.listeners, account), subject).count;
    arrival_freeze(state, account, subject);
    if (!state->uncounted || !uncounted_learn(state->uncounted, account, subject, plays.count,
                                              learning->made_ms, ret_count))
        *ret_count = plays.count > held ? plays.count : held;
    return *ret_count != held;
}

static bool learn_count(void *context, struct uid account, struct subject subject,
                        struct plays plays)
{
    struct learning *learning = context;
    if (!uid_equal(account, learning->account) || learning->is_boxed) {
        learning->is_other = true;
        return false;
    }
    if (!learning->effects)
        return true;
    uint64_t count;
    if (!counts(learning, account, subject, plays, &count))
        return true;
    plays = listeners_set(learning->state->model.listeners, account, subject, count, plays.last_ms);
    effects_add(learning->effects,
                &(struct effect){EFFECT_COUNT, .count = {.account = account,
                                                         .subject = subject,
                                                         .count = plays.count,
                                                         .last_ms = plays.last_ms}});
    return true;
}

static bool refuse_pair(void *context, struct uid device UNUSED, uint64_t a UNUSED,
                        uint64_t b UNUSED)
{
    ((struct learning *)context)->is_other = true;
    return false;
}

static bool refuse_kept(void *context, struct text operation UNUSED)
{
    ((struct learning *)context)->is_other = true;
    return false;
}

static bool refuse_play(void *context, const struct database_play *play UNUSED)
{
    ((struct learning *)context)->is_other = true;
    return false;
}

static const char *read_copy(struct learning *learning, struct text bytes)
{
    struct export_end end = {0};
    const struct database_sink sink = {.cell = learn_cell,
                                       .count = learn_count,
                                       .range = refuse_pair,
                                       .digest = refuse_pair,
                                       .kept = refuse_kept,
                                       .play = refuse_play,
                                       .context = learning};
    const char *why = export_read(bytes, &sink, &end);
    learning->made_ms = end.made_ms; /* known to the second reading */
    return learning->is_other ? "holds what no copy of this account holds" : why;
}

/* --- boxes --- */

/* What stands before the export; false: it is cut off. */
static bool take_box(struct text *bytes, struct text *ret_box)
{
    struct reader reader = reader_of(*bytes);
    *ret_box = TEXT_NONE;
    if (!text_starts(*bytes, BOXED))
        return true;
    (void)reader_bytes(&reader, BOXED.size);
    *ret_box = reader_bytes(&reader, reader_u32(&reader));
    *bytes = reader_bytes(&reader, reader.left);
    return !reader.failed && ret_box->size > 0;
}

/* What this cell is without what boxes bring: nothing, or the value in `room`. */
static struct text without_secrets(enum space space, struct text value, char room[VALUE_MAX_BYTES])
{
    struct app_value app;
    struct session_value session;
    bool is_app = space == SPACE_APP && app_value_read(value, &app);
    if (copy_is_withheld(space) || value.size > VALUE_MAX_BYTES ||
        !(is_app || session_value_read(value, &session)))
        return TEXT_NONE;
    memcpy(room, value.data, value.size);
    if (is_app)
        memset(room + APP_SEALED_AT, 0, SECRET_SEALED_BYTES);
    else
        copy_blank_session(room);
    return text_make(room, value.size);
}

/* True when there was one, and there may be another. */
static bool forget_next(struct learning *learning)
{
    char room[VALUE_MAX_BYTES], key[NAME_MAX_BYTES];
    struct model *model = &learning->state->model;
    struct cell_name name;
    const struct cell *cell;
    for (size_t cursor = 0;
         cells_next_of(model->cells, learning->account, &cursor, &name, &cell);) {
        if (!copy_is_for_box(name.space) || cell->value.size == 0)
            continue;
        const struct cell less = {cell->order, without_secrets(name.space, cell->value, room)};
        if (text_equal(less.value, cell->value))
            continue;
        memcpy(key, name.key.data, name.key.size);
        name.key.data = key;
        model_replace(model, &name, &less, learning->effects);
        return true;
    }
    return false;
}

struct opened {
    struct text export;
    struct buffer plain; /* of the box; empty: there was none */
};

/* NULL, or why not. */
static const char *open_copy(struct learning *learning, struct text bytes, const uint8_t *seed,
                             struct opened *ret)
{
    struct text box;
    ret->export = bytes;
    if (!take_box(&ret->export, &box))
        return "is cut off";
    const char *why = read_copy(learning, ret->export);
    if (why || !seed || !box.size)
        return why;
    if (!box_open(seed, box, &ret->plain))
        return "holds a box for another node";
    learning->is_boxed = true;
    why = read_copy(learning, buffer_view(&ret->plain));
    learning->is_boxed = false;
    return why;
}

static void merge(struct learning *learning, const struct opened *opened, bool forgets)
{
    const char *why = read_copy(learning, opened->export);
    assert(!why);
    while (forgets && forget_next(learning))
        ;
    learning->is_boxed = opened->plain.size > 0;
    if (learning->is_boxed)
        why = read_copy(learning, buffer_view(&opened->plain));
    assert(!why);
}

enum state_copy state_copy_learn(struct state *state, struct uid account, struct text bytes,
                                 const uint8_t *seed, const char **ret_why)
{
    struct learning learning = {.state = state, .account = account, .now_ms = clock_unix_ms()};
    struct opened opened;
    enum state_copy verdict = STATE_COPY_BAD;
    buffer_init(&opened.plain, BOX_MAX_BYTES);
    const char *why = open_copy(&learning, bytes, seed, &opened);
    if (why) {
        *ret_why = why;
    } else if (!apply_has_room(state->apply, 2 * bytes.size)) {
        verdict = STATE_COPY_FULL;
    } else {
        learning.effects = apply_begin(state->apply);
        merge(&learning, &opened, seed && opened.plain.size == 0);
        apply_end(state->apply, 0);
        state_touch(state, account);
        verdict = STATE_COPY_LEARNT;
    }
    if (opened.plain.data)
        explicit_bzero(opened.plain.data, opened.plain.capacity);
    buffer_release(&opened.plain);
    return verdict;
}

/* --- durable --- */

struct applied_job {
    struct apply_job job;
    struct state *state;
    state_applied *done;
    void *context;
    bool is_durable;
};

static void on_applied(void *context)
{
    struct applied_job *job = context;
    struct state *state = job->state;
    job->done(job->context, job->is_durable);
    mem_free(job);
    state_landed(state);
}

static void note_applied(struct apply_job *base, struct database *database UNUSED,
                         int database_error)
{
    struct applied_job *job = CONTAINER_OF(base, struct applied_job, job);
    job->is_durable = database_error == 0;
    loop_post(job->state->loop, on_applied, job);
}

void state_when_applied(struct state *state, state_applied *done, void *context)
{
    struct applied_job *job = MEM_NEW(struct applied_job);
    *job = (struct applied_job){
        .job.work = note_applied, .state = state, .done = done, .context = context};
    state->in_flight++;
    apply_run(state->apply, &job->job);
}
