// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load_state.h"
#include "drills/requests.h"

#include "base/mem.h"
#include <stdio.h>

/*
 * One request after the other: each track of the shelf, or each of its segments, from each target
 * but the first, which has them anyway, and those that stay cold.  What is not given whole within
 * TRIES is an end in words: a drill of what is cached would prove nothing.
 */
enum { TRIES = 5, TRY_AGAIN_MS = 300, DEADLINE_MS = 20000 };

struct warming {
    struct load *load;
    struct client_pool *pool;
    struct client_call *call;
    struct loop_timer again;
    accounts_on_end *on_end;
    unsigned target, status, tries;
    uint32_t track, piece; /* of a segmented one: its manifest, then its segments */
};

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, NULL, on_end};

void load_warm_cancel(struct load *load)
{
    struct warming *warming = load->warming;
    if (!warming)
        return;
    loop_timer_stop(&warming->again);
    client_pool_free(&warming->pool);
    mem_free_p(&load->warming);
}

static void end(struct warming *warming, const char *why)
{
    struct load *load = warming->load;
    accounts_on_end *told = warming->on_end;
    load_warm_cancel(load);
    told(load, why);
}

static void ask(struct warming *warming)
{
    struct load *load = warming->load;
    struct request_text text;
    const struct shelf_track *track = &load->shelf.tracks[warming->track];
    const struct request_of of = {.pass = &load->passes[0], .track = track, .is_player = true};
    if (track->segments.count == 0)
        request_audio(&text, &of, 0, UINT64_MAX);
    else if (warming->piece == 0)
        request_manifest(&text, &of);
    else
        request_segment(&text, &of, warming->piece - 1);
    text.request.deadline_ms = DEADLINE_MS;
    warming->status = 0;
    warming->call = client_ask(warming->pool, &text.request, &handler, warming);
    if (!warming->call)
        end(warming, "a grant holds what cannot be asked for");
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    ask(CONTAINER_OF(timer, struct warming, again));
}

static void next_target(struct warming *warming)
{
    struct load *load = warming->load;
    client_pool_free(&warming->pool);
    warming->track = 0;
    if (++warming->target + load->profile.cold_targets >= load->profile.target_count) {
        end(warming, NULL);
        return;
    }
    warming->pool = client_pool_new(load->origins[warming->target], NULL);
    ask(warming);
}

static void give_up(struct warming *warming, enum client_outcome outcome)
{
    char why[200];
    (void)snprintf(why, sizeof why, "%s gave no music to keep: %s, status %u",
                   warming->load->profile.targets[warming->target], client_outcome_word(outcome),
                   warming->status);
    end(warming, why);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct warming *warming = context;
    warming->status = response->status;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct warming *warming = context;
    struct load *load = warming->load;
    warming->call = NULL;
    if (outcome != CLIENT_DONE || warming->status != 200) {
        if (++warming->tries >= TRIES)
            give_up(warming, outcome);
        else
            loop_timer_start(load->loop, &warming->again,
                             loop_now_us(load->loop) + TRY_AGAIN_MS * UINT64_C(1000));
        return;
    }
    warming->tries = 0;
    if (warming->piece++ < load->shelf.tracks[warming->track].segments.count) {
        ask(warming);
        return;
    }
    warming->piece = 0;
    if (++warming->track + load->profile.cold_tracks < load->shelf.count)
        ask(warming);
    else
        next_target(warming);
}

void load_warm(struct load *load, accounts_on_end *on_end_)
{
    struct warming *warming = load->warming = MEM_NEW(struct warming);
    warming->load = load;
    warming->on_end = on_end_;
    warming->again.on_timer = on_again;
    next_target(warming);
}
