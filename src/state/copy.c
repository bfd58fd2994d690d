// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/copy.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "state/export.h"
#include "state/state_internal.h"

#include <assert.h>
#include <string.h>

/* Where secrets lie in values (spaces.def). */
enum {
    APP_INDEX_AT = 8,
    APP_SEALED_AT = APP_INDEX_AT + SECRET_INDEX_BYTES,
    SESSION_CURRENT_AT = 24,
    REFRESH_BYTES = sizeof(struct refresh_hash),
    SESSION_PREVIOUS_AT = SESSION_CURRENT_AT + REFRESH_BYTES,
    VALUE_MAX_BYTES = 8192,
};

/* --- writing --- */

struct writing {
    const struct state *state;
    struct uid account;
};

static bool is_withheld(enum space space)
{
    return space == SPACE_PASSWORD || space == SPACE_PASSKEY;
}

/* Found by the secret's own hash, and opened nowhere. */
static void change_app(const struct state *state, struct uid id, char *value)
{
    struct secret_sealed sealed;
    struct secret secret;
    struct secret_index index = {{0}};
    memcpy(&sealed, value + APP_SEALED_AT, sizeof sealed);
    if (secret_unseal(state->keys, &sealed, id, &secret)) {
        index = secret_hash(&secret);
        secret_wipe(&secret);
    }
    memcpy(value + APP_INDEX_AT, &index, sizeof index);
    memset(value + APP_SEALED_AT, 0, sizeof sealed);
}

/* A thumb of the browser's key is public; hashes of cookies are made two that nothing has. */
static void change_session(char *value)
{
    if (memcmp(value + SESSION_CURRENT_AT, value + SESSION_PREVIOUS_AT, REFRESH_BYTES) == 0)
        return;
    memset(value + SESSION_CURRENT_AT, 0, REFRESH_BYTES);
    memset(value + SESSION_PREVIOUS_AT, 0xff, REFRESH_BYTES);
}

static struct text fit_for_others(const struct writing *writing, const struct cell_name *name,
                                  struct text value, char room[VALUE_MAX_BYTES])
{
    struct uid app;
    struct app_value app_value;
    struct session_value session_value;
    bool is_app = name->space == SPACE_APP && name->key.size == UID_BYTES &&
                  app_value_read(value, &app_value);
    bool is_session = name->space == SPACE_SESSION && session_value_read(value, &session_value);
    if ((!is_app && !is_session) || value.size > VALUE_MAX_BYTES)
        return name->space == SPACE_APP || name->space == SPACE_SESSION ? TEXT_NONE : value;
    memcpy(room, value.data, value.size);
    if (is_app) {
        memcpy(app.bytes, name->key.data, UID_BYTES);
        change_app(writing->state, app, room);
    } else {
        change_session(room);
    }
    return text_make(room, value.size);
}

static void put_cells(const struct database_sink *sink, const struct writing *writing)
{
    char room[VALUE_MAX_BYTES];
    struct cell_name name;
    const struct cell *cell;
    for (size_t cursor = 0;
         cells_next_of(writing->state->model.cells, writing->account, &cursor, &name, &cell);) {
        if (is_withheld(name.space))
            continue;
        const struct cell other = {cell->order, fit_for_others(writing, &name, cell->value, room)};
        (void)sink->cell(sink->context, &name, &other);
    }
}

static void put_counts(const struct database_sink *sink, const struct writing *writing)
{
    static const char *const kinds[] = {"tr", "al", "ar"};
    const struct listener *listener =
        listeners_get(writing->state->model.listeners, writing->account);
    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        size_t count = listener_ranked_count(listener, RANKING_FREQUENT, kinds[kind]);
        for (size_t i = 0; i < count; i++) {
            struct subject subject = listener_ranked(listener, RANKING_FREQUENT, kinds[kind], i);
            (void)sink->count(sink->context, writing->account, subject,
                              listener_plays(listener, subject));
        }
    }
}

static void put_rows(const struct database_sink *sink, void *context)
{
    put_cells(sink, context);
    put_counts(sink, context);
}

void state_copy_write(const struct state *state, struct uid account, int64_t now_ms,
                      struct buffer *out)
{
    struct writing writing = {state, account};
    export_write(out, now_ms, state->epoch, put_rows, &writing);
}

/* --- learning --- */

struct learning {
    struct state *state;
    struct uid account;
    struct effects *effects; /* NULL: only looked at */
    int64_t now_ms;
    bool is_other; /* a row of somebody else, or of a kind that is not for copies */
};

static bool learn_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    struct learning *learning = context;
    if (!uid_equal(name->account, learning->account) || is_withheld(name->space)) {
        learning->is_other = true;
        return false;
    }
    if (!learning->effects)
        return true;
    clock_observe(&learning->state->clock, cell->order.hlc, learning->now_ms);
    const struct effect effect = {
        EFFECT_CELL, .cell = {name->account, name->space, name->key, cell->value, cell->order}};
    (void)model_learn(&learning->state->model, &effect, learning->effects);
    return true;
}

/* Nobody counts here but the origin, so the greater number is the later one. */
static bool learn_count(void *context, struct uid account, struct subject subject,
                        struct plays plays)
{
    struct learning *learning = context;
    if (!uid_equal(account, learning->account)) {
        learning->is_other = true;
        return false;
    }
    if (!learning->effects)
        return true;
    struct listeners *listeners = learning->state->model.listeners;
    struct plays held = listener_plays(listeners_get(listeners, account), subject);
    if (plays.count <= held.count)
        return true;
    (void)listeners_play(listeners, account, subject, plays.count - held.count, plays.last_ms);
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
    struct export_end end;
    const struct database_sink sink = {.cell = learn_cell,
                                       .count = learn_count,
                                       .range = refuse_pair,
                                       .digest = refuse_pair,
                                       .kept = refuse_kept,
                                       .play = refuse_play,
                                       .context = learning};
    const char *why = export_read(bytes, &sink, &end);
    return learning->is_other ? "holds what no copy of this account holds" : why;
}

enum state_copy state_copy_learn(struct state *state, struct uid account, struct text bytes,
                                 const char **ret_why)
{
    struct learning learning = {.state = state, .account = account, .now_ms = clock_unix_ms()};
    const char *why = read_copy(&learning, bytes);
    if (why) {
        *ret_why = why;
        return STATE_COPY_BAD;
    }
    if (!apply_has_room(state->apply, bytes.size))
        return STATE_COPY_FULL;
    learning.effects = apply_begin(state->apply);
    why = read_copy(&learning, bytes);
    assert(!why);
    apply_end(state->apply, 0);
    state_touch(state, account);
    return STATE_COPY_LEARNT;
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
