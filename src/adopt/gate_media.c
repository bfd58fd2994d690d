// SPDX-License-Identifier: GPL-3.0-or-later
/* Audio and artwork: from the edge's cache for who may hear all that the operator may. */
#include "adopt/gate.h"
#include "adopt/render.h"
#include "base/encode.h"

struct media {
    struct adopt *adopt;
    struct text target; /* data NULL: as it came */
};

/* Nobody gives it: the error that apps show, instead of a gateway's page. */
static void say_not_kept(struct exchange *exchange, void *context UNUSED)
{
    struct text callback = exchange_parameter(exchange, TEXT("callback"));
    const struct render render = {
        render_format_of(exchange_parameter(exchange, TEXT("f")), callback), callback, NULL};
    exchange_field(exchange, "Cache-Control", TEXT("private, no-store"));
    render_error(&render, 0, "The server is away, and this was not heard through here before.",
                 exchange_output(exchange));
    exchange_send_output(exchange, 200, render_type(render.format));
}

static void go(struct exchange *exchange, void *context)
{
    const struct media *media = context;
    struct edge *edge = media->adopt->config.edge;
    const struct edge_object object = {.target = media->target, .otherwise = say_not_kept};
    if (media->target.data)
        edge_ask_object(edge, exchange, &object);
    else
        edge_ask(edge, exchange, say_not_kept, NULL);
}

/* One name for all listeners: what changes the bytes, in a fixed order. */
static struct text media_target(const struct visit *visit)
{
    static const char *const names[] = {
        "id", "maxBitRate", "format", "timeOffset", "size", "converted", "estimateContentLength"};
    struct buffer target;
    buffer_init(&target, 8192);
    buffer_printf(&target, "/rest/%.*s", TEXT_ARGS(visit->endpoint));
    char before = '?';
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct text value = visit_parameter(visit, names[i]);
        if (!value.size)
            continue;
        buffer_printf(&target, "%c%s=", before, names[i]);
        encode_percent(&target, value, false);
        before = '&';
    }
    struct text own = target.overflowed || before == '?'
                          ? TEXT_NONE
                          : arena_text(exchange_arena(visit->exchange), buffer_view(&target));
    buffer_release(&target);
    return own;
}

static void on_whole(struct visit *visit)
{
    struct exchange *exchange = visit->exchange;
    struct media *media = arena_alloc(exchange_arena(exchange), sizeof *media);
    if (!visit->is_whole && !adopt_is_linked(visit->adopt)) {
        visit_fail(visit, 50,
                   "The server is away, and did not say that this account may hear all.");
        return;
    }
    if (!media) {
        visit_busy(visit, 5);
        return;
    }
    *media = (struct media){visit->adopt, visit->is_whole ? media_target(visit) : TEXT_NONE};
    visit_release(visit);
    exchange_go_back(exchange, go, media);
}

/* To whoever may hear all that the operator may: from what is kept, else as it came. */
static void play(struct visit *visit) { job_is_whole(visit, on_whole); }

void gate_play(struct visit *visit) { gate_prove(visit, play); }
