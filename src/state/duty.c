// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/duty.h"

#include "base/guard.h"
#include "base/mem.h"
#include "state/state_internal.h"

struct asking {
    struct record_claim claim; /* of a name, by which the record gives each to one */
    struct state *state;
    duty_answered *answered;
    void *context;
    uint64_t asked_us;
};

static void on_claimed(struct record_claim *claim)
{
    struct asking *asking = CONTAINER_OF(claim, struct asking, claim);
    struct state *state = asking->state;
    bool is_late = loop_now_us(state->loop) - asking->asked_us > DUTY_MS * 1000ULL;
    bool is_ours = (claim->is_ours && !is_late) || !guard_is_on(GUARD_DUTY);
    asking->answered(asking->context, is_ours && !claim->error && !state->is_closed);
    mem_free(asking);
    state_landed(state);
}

static void tell(void *context) { on_claimed(&((struct asking *)context)->claim); }

void duty_ask(struct state *state, const char *name, duty_answered *answered, void *context)
{
    struct asking *asking = MEM_NEW(struct asking);
    *asking = (struct asking){
        .claim = {.folded = text_of(name), .account = state->device, .done = on_claimed},
        .state = state,
        .answered = answered,
        .context = context,
        .asked_us = loop_now_us(state->loop)};
    state->in_flight++;
    if (state->record) {
        record_claim(state->record, &asking->claim);
    } else {
        asking->claim.is_ours = true;
        loop_post(state->loop, tell, asking);
    }
}
