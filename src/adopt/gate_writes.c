// SPDX-License-Identifier: GPL-3.0-or-later
/* What changes something: taken durably, then told to the server, whose answer is waited for a
 * moment. */
#include "adopt/gate.h"
#include "base/counters.h"
#include "base/mem.h"

static void answer_write(struct visit *visit, const char *detail)
{
    visit_answer(visit, visit->answer.body ? "playlist" : NULL, visit->answer.body, detail);
}

static void on_patience(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct visit *visit = CONTAINER_OF(timer, struct visit, timer);
    answer_write(visit, "fwd=bypass; detail=kept");
}

static void told_free(struct gate_told *told)
{
    if (told)
        json_decref(told->response);
    mem_free(told);
}

static void answer_told(struct visit *visit, const struct gate_told *told)
{
    json_t *playlist = json_object_get(told->response, "playlist");
    if (told->is_refused)
        visit_fail(visit, told->code, "The server refused this.");
    else if (playlist)
        visit_answer(visit, "playlist", playlist, "fwd=bypass");
    else
        answer_write(visit, "fwd=bypass");
}

void gate_on_told(void *context)
{
    struct gate_told *told = context;
    struct adopt *adopt = told->adopt;
    struct visit *visit = adopt->visits;
    while (visit && (!visit->timer._position || visit->number != told->number))
        visit = visit->next;
    if (visit) {
        answer_told(visit, told);
        told_free(told);
        return;
    }
    /* nobody waits, or not yet: the teller can be faster than the worker's word */
    told_free(adopt->told[adopt->told_at]);
    adopt->told[adopt->told_at] = told;
    adopt->told_at = (adopt->told_at + 1) % ADOPT_TOLD_MAX;
}

static bool is_told_already(struct visit *visit)
{
    struct adopt *adopt = visit->adopt;
    for (size_t i = 0; i < ADOPT_TOLD_MAX; i++) {
        if (!adopt->told[i] || adopt->told[i]->number != visit->number)
            continue;
        answer_told(visit, adopt->told[i]);
        return true;
    }
    return false;
}

static void on_write_passed(struct visit *visit)
{
    if (visit->says == PASS_OK)
        (void)adopt_wants_refresh(visit->adopt, &visit->credentials);
    if (visit->says == PASS_SLOW || visit->says == PASS_AWAY)
        visit_fail(
            visit, 0,
            "The server did not answer, so nobody knows whether it did this. Look, and try again.");
    else
        visit_send_passed(visit, "fwd=bypass");
}

static void pass_write(struct visit *visit)
{
    pass_on(visit, visit->adopt->config.patience_ms * GATE_UNKNOWN_PATIENCE, on_write_passed);
}

static void on_taken(struct visit *visit)
{
    struct adopt *adopt = visit->adopt;
    switch (visit->taken) {
    case WRITE_TAKEN:
        atomic_fetch_add(&adopt->writes, 1);
        adopt_has_writes(adopt);
        if (is_told_already(visit)) {
            return;
        }
        if (adopt_is_linked(adopt)) {
            visit->timer.on_timer = on_patience;
            loop_timer_start(adopt->config.loop, &visit->timer,
                             loop_now_us(adopt->config.loop) +
                                 (uint64_t)adopt->config.patience_ms * 1000);
        } else {
            answer_write(visit, "hit; detail=kept");
        }
        return;
    case WRITE_MISSING: /* the server may know more than we do */
        if (adopt_is_linked(adopt))
            pass_write(visit);
        else
            visit_fail(visit, 70, "There is no such thing in what is kept here of the server.");
        return;
    case WRITE_FULL:
        counter_add(COUNTER_ADOPT_FULL, 1);
        visit_busy(visit, 60);
        return;
    case WRITE_FAILED:
        visit_busy(visit, 10);
        return;
    }
}

static void take_write(struct visit *visit) { job_take_write(visit, on_taken); }

/* Positions in a list mean what the app saw: the server's own list, which it judges itself. */
static bool is_by_position(const struct visit *visit)
{
    return text_equal(visit->endpoint, TEXT("updatePlaylist")) &&
           visit_parameter(visit, "songIndexToRemove").data &&
           !text_starts(visit_parameter(visit, "playlistId"), TEXT("sostenuto-"));
}

void gate_write(struct visit *visit)
{
    bool is_direct = is_by_position(visit) && adopt_is_linked(visit->adopt) &&
                     atomic_load(&visit->adopt->writes) == 0;
    gate_prove(visit, is_direct ? pass_write : take_write);
}

void gate_forget_told(struct adopt *adopt)
{
    for (size_t i = 0; i < ADOPT_TOLD_MAX; i++) {
        told_free(adopt->told[i]);
        adopt->told[i] = NULL;
    }
}
