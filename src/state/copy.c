// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/copy_internal.h"

#include "io/clock.h"
#include "state/export.h"
#include "trust/box.h"

#include <sodium.h>
#include <string.h>

/* --- writing --- */

struct writing {
    const struct state *state;
    struct uid account;
    bool is_boxed;   /* what goes into the box, instead of what goes beside it */
    bool is_arrived; /* without what the origin has not heard of */
};

bool copy_is_withheld(enum space space)
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
    if (sodium_is_zero(sealed.bytes, sizeof sealed.bytes))
        return; /* it came from another node, without what opens it */
    if (secret_unseal(state->keys, &sealed, id, &secret)) {
        index = secret_hash(&secret);
        secret_wipe(&secret);
    }
    memcpy(value + APP_INDEX_AT, &index, sizeof index);
    memset(value + APP_SEALED_AT, 0, sizeof sealed);
}

/* A thumb of the browser's key is public; hashes of cookies are made two that nothing has. */
void copy_blank_session(char *value)
{
    if (memcmp(value + SESSION_CURRENT_AT, value + SESSION_PREVIOUS_AT, REFRESH_BYTES) == 0)
        return;
    memset(value + SESSION_CURRENT_AT, 0, REFRESH_BYTES);
    memset(value + SESSION_PREVIOUS_AT, 0xff, REFRESH_BYTES);
}

bool copy_is_blanked(enum space space, struct text value)
{
    uint8_t zeros[REFRESH_BYTES], ones[REFRESH_BYTES];
    struct app_value app;
    struct session_value session;
    memset(zeros, 0, sizeof zeros);
    memset(ones, 0xff, sizeof ones);
    return space == SPACE_APP
               ? app_value_read(value, &app) && sodium_is_zero(app.sealed, SECRET_SEALED_BYTES)
               : space == SPACE_SESSION && session_value_read(value, &session) &&
                     memcmp(session.current, zeros, REFRESH_BYTES) == 0 &&
                     memcmp(session.previous, ones, REFRESH_BYTES) == 0;
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
        copy_blank_session(room);
    }
    return text_make(room, value.size);
}

/* The secret itself, in place of what our keys sealed. */
static struct text app_for_home(const struct writing *writing, const struct cell_name *name,
                                struct text value, char room[VALUE_MAX_BYTES])
{
    struct uid id;
    struct secret secret;
    struct secret_index index;
    struct app_value app;
    struct secret_sealed sealed;
    if (name->key.size != UID_BYTES || value.size > VALUE_MAX_BYTES || !app_value_read(value, &app))
        return TEXT_NONE;
    memcpy(id.bytes, name->key.data, UID_BYTES);
    memcpy(&sealed, app.sealed, sizeof sealed);
    if (!secret_unseal(writing->state->keys, &sealed, id, &secret))
        return TEXT_NONE;
    index = secret_hash(&secret);
    memcpy(room, value.data, value.size);
    memcpy(room + APP_INDEX_AT, &index, sizeof index);
    memset(room + APP_SEALED_AT, 0, sizeof sealed);
    memcpy(room + APP_SEALED_AT, secret.text, SECRET_TEXT_BYTES);
    secret_wipe(&secret);
    return text_make(room, value.size);
}

bool copy_is_for_box(enum space space)
{
    return copy_is_withheld(space) || space == SPACE_APP || space == SPACE_SESSION;
}

static void put_boxed_cells(const struct database_sink *sink, const struct writing *writing)
{
    char room[VALUE_MAX_BYTES];
    struct cell_name name;
    const struct cell *cell;
    for (size_t cursor = 0;
         cells_next_of(writing->state->model.cells, writing->account, &cursor, &name, &cell);) {
        if (!copy_is_for_box(name.space) || cell->value.size == 0)
            continue;
        struct text value =
            name.space == SPACE_APP ? app_for_home(writing, &name, cell->value, room) : cell->value;
        if (value.size)
            (void)sink->cell(sink->context, &name, &(struct cell){cell->order, value});
        explicit_bzero(room, name.space == SPACE_APP ? sizeof room : 0);
    }
}

static void put_cells(const struct database_sink *sink, const struct writing *writing)
{
    char room[VALUE_MAX_BYTES];
    struct cell_name name;
    const struct cell *cell;
    for (size_t cursor = 0;
         cells_next_of(writing->state->model.cells, writing->account, &cursor, &name, &cell);) {
        if (copy_is_withheld(name.space))
            continue;
        const struct cell other = {cell->order, fit_for_others(writing, &name, cell->value, room)};
        (void)sink->cell(sink->context, &name, &other);
    }
}

static uint64_t count_of(const struct writing *writing, const struct listener *listener,
                         struct subject subject)
{
    uint64_t count = listener_plays(listener, subject).count, waiting = 0;
    if (writing->is_arrived && writing->state->frozen &&
        frozen_find(writing->state->frozen, writing->account, subject, &count))
        return count;
    if (writing->is_arrived && writing->state->uncounted)
        waiting = uncounted_waiting(writing->state->uncounted, writing->account, subject);
    return count > waiting ? count - waiting : 0;
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
            struct plays plays = listener_plays(listener, subject);
            plays.count = count_of(writing, listener, subject);
            if (plays.count)
                (void)sink->count(sink->context, writing->account, subject, plays);
        }
    }
}

static void put_rows(const struct database_sink *sink, void *context)
{
    const struct writing *writing = context;
    if (writing->is_boxed) {
        put_boxed_cells(sink, writing);
        return;
    }
    put_cells(sink, writing);
    put_counts(sink, writing);
}

int64_t state_copy_stamp(struct state *state)
{
    int64_t now_ms = clock_unix_ms();
    if (now_ms > state->stamp_ms)
        state->stamp_ms = now_ms;
    return state->stamp_ms;
}

int64_t state_receipt_stamp(struct state *state)
{
    int64_t last_ms = state->stamp_ms;
    if (state_copy_stamp(state) == last_ms)
        state->stamp_ms++;
    return state->stamp_ms;
}

void state_copy_write(const struct state *state, struct uid account, int64_t now_ms,
                      struct buffer *out)
{
    struct writing writing = {.state = state, .account = account};
    export_write(out, now_ms, state->epoch, put_rows, &writing);
}

void copy_write_arrived(const struct state *state, struct uid account, int64_t now_ms,
                        struct buffer *out)
{
    struct writing writing = {.state = state, .account = account, .is_arrived = true};
    export_write(out, now_ms, state->epoch, put_rows, &writing);
}

void copy_write_secrets(const struct state *state, struct uid account, int64_t now_ms,
                        struct buffer *out)
{
    struct writing writing = {.state = state, .account = account, .is_boxed = true};
    export_write(out, now_ms, state->epoch, put_rows, &writing);
}

void state_copy_write_boxed(const struct state *state, struct uid account,
                            const uint8_t node_key[SIGNED_PUBLIC_BYTES], int64_t now_ms,
                            struct buffer *out)
{
    struct buffer plain, box;
    buffer_init(&plain, BOX_MAX_BYTES);
    buffer_init(&box, BOX_MAX_BYTES + BOX_EXTRA_BYTES);
    copy_write_secrets(state, account, now_ms, &plain);
    if (!plain.overflowed && box_seal(node_key, buffer_view(&plain), &box)) {
        buffer_text(out, BOXED);
        buffer_u32(out, (uint32_t)box.size);
        buffer_text(out, buffer_view(&box));
    }
    if (plain.data)
        explicit_bzero(plain.data, plain.capacity);
    buffer_release(&plain);
    buffer_release(&box);
    state_copy_write(state, account, now_ms, out);
}
