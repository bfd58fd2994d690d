// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/offer.h"

#include "base/guard.h"
#include "base/reader.h"
#include "io/random.h"
#include "state/copy_internal.h"
#include "state/export.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum { MOST_PLAYS = 10000000 };

static const struct text OFFERED = TEXT_INIT("sostoffr"), FROZEN = TEXT_INIT("sostoffz");
/* An honest edge's stamps are not ahead of its clock, nor is that of ours by more than a parcel's
 * may be (api/parcels.c). */
static const int64_t most_ahead_ms = 24LL * 3600 * 1000;

void state_offers_begin(struct state *state)
{
    frozen_free(&state->frozen);
    state->frozen = frozen_new(random_u64(), FROZEN_MAX);
}

void state_offers_end(struct state *state) { frozen_free(&state->frozen); }

void state_offer_write(const struct state *state, struct uid account, int64_t now_ms,
                       struct buffer *out)
{
    struct buffer secrets;
    buffer_init(&secrets, BOX_MAX_BYTES);
    copy_write_secrets(state, account, now_ms, &secrets);
    if (!secrets.overflowed) {
        bool is_frozen = state->frozen && frozen_is_whole(state->frozen);
        buffer_text(out, is_frozen ? FROZEN : OFFERED);
        buffer_u32(out, (uint32_t)secrets.size);
        buffer_text(out, buffer_view(&secrets));
        copy_write_arrived(state, account, now_ms, out);
    } else {
        out->overflowed = true;
    }
    if (secrets.data)
        explicit_bzero(secrets.data, secrets.capacity);
    buffer_release(&secrets);
}

/* --- taking --- */

struct taking {
    struct state *state;
    struct uid account;
    const struct offer_rules *rules;
    struct effects *effects; /* NULL: only looked at */
    struct offer_taken *taken;
    bool is_secret; /* rows of the first export */
    bool is_frozen; /* counts are the lost origin's: nothing of this one's is in them */
    const char *why;
};

static bool is_origins(enum space space) { return space >= SPACE_ACCOUNT_NAME; }

static bool is_revocation(const struct cell_name *name, const struct cell *cell)
{
    bool is_revocable =
        name->space == SPACE_APP || name->space == SPACE_SESSION || name->space == SPACE_PASSKEY;
    return is_revocable && cell->order.is_final && cell->value.size == 0;
}

/* What an origin wrote, and the copies that it gave were blanked of: the value that both hold is of
 * the same operation.  What was not blanked here stays: a session's key is not the edge's to say.
 */
static bool is_the_same_writing(enum space space, const struct cell *held, const struct cell *cell)
{
    return copy_is_blanked(space, held->value) &&
           operation_order_compare(&held->order, &cell->order) == 0;
}

static bool may_be_taken(const struct taking *taking, const struct cell_name *name,
                         const struct cell *cell)
{
    const struct cell *held =
        cells_get(taking->state->model.cells, name->account, name->space, name->key);
    if (!is_origins(name->space) || is_revocation(name, cell) || !guard_is_on(GUARD_OFFERS))
        return true;
    if (name->space > SPACE_PASSKEY)
        return false; /* requests come by the journal, to be decided, and decisions from here */
    if (held)
        return is_the_same_writing(name->space, held, cell);
    return name->space != SPACE_ACCOUNT_ADMIN && name->space != SPACE_SESSION &&
           !cell->order.is_final && cell->value.size > 0 &&
           clock_ms(cell->order.hlc) <= taking->rules->until_ms;
}

static bool refuse(struct taking *taking, const char *why)
{
    taking->why = why;
    return false;
}

/* The secret that lay readable in it is sealed for this disk. */
static struct text value_for_here(const struct taking *taking, const struct cell_name *name,
                                  struct text value, char room[VALUE_MAX_BYTES])
{
    struct app_value app;
    if (name->space != SPACE_APP || !taking->is_secret || value.size == 0)
        return value;
    if (name->key.size != UID_BYTES || value.size > VALUE_MAX_BYTES || !app_value_read(value, &app))
        return TEXT_NONE;
    return copy_app_for_here(taking->state, name, value, room);
}

static void note_cell(struct taking *taking, const struct cell_name *name)
{
    taking->taken->cells++;
    taking->taken->secrets += taking->is_secret;
    taking->taken->is_new |= name->space == SPACE_ACCOUNT_NAME;
}

static bool take_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    char room[VALUE_MAX_BYTES];
    struct taking *taking = context;
    if (!uid_equal(name->account, taking->account))
        return refuse(taking, "holds a row of another account");
    if (taking->is_secret ? !copy_is_for_box(name->space) : copy_is_withheld(name->space))
        return refuse(taking, "holds a row in the wrong half");
    if (clock_ms(cell->order.hlc) > taking->rules->now_ms + most_ahead_ms)
        return refuse(taking, "was written more than a day from now");
    if (!taking->effects)
        return true;
    if (name->space == SPACE_ACCOUNT_ADMIN && cell_integer(cell->value))
        taking->taken->was_admin = true;
    struct text value = value_for_here(taking, name, cell->value, room);
    if (!may_be_taken(taking, name, cell) || (cell->value.size && !value.size))
        return true;
    clock_observe(&taking->state->clock, cell->order.hlc, taking->rules->now_ms);
    const struct effect effect = {
        EFFECT_CELL, .cell = {name->account, name->space, name->key, value, cell->order}};
    if (model_learn(&taking->state->model, &effect, taking->effects))
        note_cell(taking, name);
    return true;
}

/* No more than anybody plays in a life, and not long after now: the greater one stands for ever. */
static struct plays within_bounds(const struct taking *taking, struct plays plays)
{
    const int64_t latest_ms = taking->rules->now_ms + most_ahead_ms;
    if (!guard_is_on(GUARD_OFFERS))
        return plays;
    if (plays.count > MOST_PLAYS)
        plays.count = MOST_PLAYS;
    if (plays.last_ms > latest_ms)
        plays.last_ms = latest_ms;
    return plays;
}

/* What this edge counted and the lost origin cannot have is on top of what it had. */
static uint64_t with_ours(const struct taking *taking, struct subject subject, uint64_t count)
{
    const struct uncounted *uncounted = taking->state->uncounted;
    if (!taking->is_frozen || !uncounted)
        return count;
    return count + uncounted_waiting(uncounted, taking->account, subject);
}

static bool take_count(void *context, struct uid account, struct subject subject,
                       struct plays plays)
{
    struct taking *taking = context;
    plays = within_bounds(taking, plays);
    struct listeners *listeners = taking->state->model.listeners;
    if (!uid_equal(account, taking->account) || taking->is_secret)
        return refuse(taking, "holds counts of another account");
    plays.count = with_ours(taking, subject, plays.count);
    if (!taking->effects ||
        plays.count <= listener_plays(listeners_get(listeners, account), subject).count)
        return true;
    plays = listeners_set(listeners, account, subject, plays.count, plays.last_ms);
    effects_add(taking->effects,
                &(struct effect){EFFECT_COUNT, .count = {.account = account,
                                                         .subject = subject,
                                                         .count = plays.count,
                                                         .last_ms = plays.last_ms}});
    taking->taken->counts++;
    return true;
}

static bool refuse_pair(void *context, struct uid device UNUSED, uint64_t a UNUSED,
                        uint64_t b UNUSED)
{
    return refuse(context, "holds what no offer holds");
}

static bool refuse_kept(void *context, struct text operation UNUSED)
{
    return refuse(context, "holds what no offer holds");
}

static bool refuse_play(void *context, const struct database_play *play UNUSED)
{
    return refuse(context, "holds what no offer holds");
}

/* NULL, or why not. */
static const char *read_half(struct taking *taking, struct text bytes, bool is_secret)
{
    struct export_end end = {0};
    const struct database_sink sink = {.cell = take_cell,
                                       .count = take_count,
                                       .range = refuse_pair,
                                       .digest = refuse_pair,
                                       .kept = refuse_kept,
                                       .play = refuse_play,
                                       .context = taking};
    taking->is_secret = is_secret;
    const char *why = export_read(bytes, &sink, &end);
    return taking->why ? taking->why : why;
}

/* Secrets last: what they complete is there then. */
static const char *read_both(struct taking *taking, struct text open, struct text secrets)
{
    const char *why = read_half(taking, open, false);
    return why ? why : read_half(taking, secrets, true);
}

static bool halve(struct text bytes, struct text *ret_secrets, struct text *ret_open,
                  bool *ret_is_frozen)
{
    struct reader reader = reader_of(bytes);
    struct text beginning = reader_bytes(&reader, OFFERED.size);
    *ret_is_frozen = text_equal(beginning, FROZEN);
    bool is_offer = *ret_is_frozen || text_equal(beginning, OFFERED);
    *ret_secrets = reader_bytes(&reader, reader_u32(&reader));
    *ret_open = reader_bytes(&reader, reader.left);
    return is_offer && !reader.failed;
}

enum state_copy state_offer_take(struct state *state, struct uid account, struct text bytes,
                                 const struct offer_rules *rules, struct offer_taken *ret,
                                 const char **ret_why)
{
    struct offer_taken taken = {0};
    struct taking taking = {.state = state, .account = account, .rules = rules, .taken = &taken};
    struct text secrets, open;
    bool was_here = state_account(state, account);
    *ret_why = halve(bytes, &secrets, &open, &taking.is_frozen) ? read_both(&taking, open, secrets)
                                                                : "is no offer";
    if (*ret_why)
        return STATE_COPY_BAD;
    if (!apply_has_room(state->apply, 2 * bytes.size))
        return STATE_COPY_FULL;
    taking.effects = apply_begin(state->apply);
    const char *why = read_both(&taking, open, secrets);
    assert(!why);
    apply_end(state->apply, 0);
    taken.is_new = taken.is_new && !was_here;
    taken.was_admin = taken.was_admin && taken.is_new;
    if (taken.cells || taken.counts)
        state_touch(state, account);
    *ret = taken;
    return STATE_COPY_LEARNT;
}
