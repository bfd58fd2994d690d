// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load_state.h"
#include "drills/requests.h"

#include "base/mem.h"
#include <stdio.h>

/*
 * One track after the other, at the first target:
 *
 *   MANIFEST ──planned──▶ INIT, which begins the cutting ──▶ MANIFEST
 *      ├─encoding──▶ a moment later again
 *      └─complete──▶ the next track
 *
 * What is not complete within TRIES is an end in words.
 */
enum { TRIES = 200, TRY_AGAIN_MS = 50, DEADLINE_MS = 20000, MANIFEST_BYTES = 4 << 20 };

struct cutting {
    struct load *load;
    struct client_pool *pool;
    struct client_call *call;
    struct loop_timer again;
    struct buffer answer;
    accounts_on_end *on_end;
    unsigned status, tries;
    uint32_t track;
    bool wants_init;
};

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_body(struct client_call *call, struct text piece, void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, on_body, on_end};

void load_segments_cancel(struct load *load)
{
    struct cutting *cutting = load->cutting;
    if (!cutting)
        return;
    loop_timer_stop(&cutting->again);
    client_pool_free(&cutting->pool);
    buffer_release(&cutting->answer);
    mem_free_p(&load->cutting);
}

static void end(struct cutting *cutting, const char *why)
{
    struct load *load = cutting->load;
    accounts_on_end *told = cutting->on_end;
    load_segments_cancel(load);
    told(load, why);
}

static struct shelf_track *track_of(const struct cutting *cutting)
{
    return &cutting->load->shelf.tracks[cutting->track];
}

static void ask(struct cutting *cutting)
{
    struct request_text text;
    const struct request_of of = {
        .pass = &cutting->load->passes[0], .track = track_of(cutting), .is_player = true};
    if (cutting->wants_init)
        request_segment(&text, &of, 0);
    else
        request_manifest(&text, &of);
    text.request.deadline_ms = DEADLINE_MS;
    buffer_reset(&cutting->answer);
    cutting->status = 0;
    cutting->call = client_ask(cutting->pool, &text.request, &handler, cutting);
    if (!cutting->call)
        end(cutting, "a grant holds what cannot be asked for");
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    ask(CONTAINER_OF(timer, struct cutting, again));
}

static void ask_again(struct cutting *cutting, enum client_outcome outcome)
{
    struct loop *loop = cutting->load->loop;
    char why[200];
    if (++cutting->tries < TRIES) {
        loop_timer_start(loop, &cutting->again, loop_now_us(loop) + TRY_AGAIN_MS * UINT64_C(1000));
        return;
    }
    (void)snprintf(why, sizeof why, "the segments of %s are not to be had: %s, status %u",
                   track_of(cutting)->id, client_outcome_word(outcome), cutting->status);
    end(cutting, why);
}

static void next_track(struct cutting *cutting)
{
    struct shelf_track *track = track_of(cutting);
    track->size_bytes = track->segments.bytes;
    cutting->tries = 0;
    if (++cutting->track < cutting->load->shelf.count)
        ask(cutting);
    else
        end(cutting, NULL);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct cutting *cutting = context;
    cutting->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct cutting *cutting = context;
    buffer_append(&cutting->answer, piece.data, piece.size);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct cutting *cutting = context;
    bool is_manifest = outcome == CLIENT_DONE && cutting->status == 200 && !cutting->wants_init;
    enum segments_state state =
        is_manifest ? segments_read(buffer_view(&cutting->answer), &track_of(cutting)->segments)
                    : SEGMENTS_UNREADABLE;
    cutting->call = NULL;
    cutting->wants_init = state == SEGMENTS_PLANNED;
    if (state == SEGMENTS_COMPLETE)
        next_track(cutting);
    else
        ask_again(cutting, outcome);
}

void load_segments(struct load *load, accounts_on_end *on_end_)
{
    struct cutting *cutting = load->cutting = MEM_NEW(struct cutting);
    cutting->load = load;
    cutting->on_end = on_end_;
    cutting->again.on_timer = on_again;
    cutting->pool = client_pool_new(load->origins[0], NULL);
    buffer_init(&cutting->answer, MANIFEST_BYTES);
    ask(cutting);
}
