// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ear/ear.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MS = 50, MOST_WAIT_MS = 400, DEADLINE_MS = 8000, SIGN_IN_BYTES = 1024 };

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_body(struct client_call *call, struct text piece, void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, on_body, on_end};

static void wait_to_try(struct ear_ask *lane)
{
    uint64_t wait_ms = (uint64_t)STEP_MS * ++lane->tries;
    if (wait_ms > MOST_WAIT_MS)
        wait_ms = MOST_WAIT_MS;
    loop_timer_start(lane->ear->loop, &lane->again,
                     loop_now_us(lane->ear->loop) + wait_ms * UINT64_C(1000));
}

static void try_once(struct ear_ask *lane)
{
    struct ear *ear = lane->ear;
    char bearer[EAR_TOKEN_BYTES + 16];
    (void)snprintf(bearer, sizeof bearer, "Bearer %s", ear->token);
    const struct http_field fields[] = {
        {.name = TEXT("Content-Type"), .value = TEXT("application/json")},
        {.name = TEXT("Authorization"), .value = text_of(bearer)},
        {.name = TEXT("Sostenuto-Grant"), .value = text_of(ear->grant)},
    };
    const struct client_request request = {
        .method = lane->method,
        .target = buffer_view(&lane->target),
        .fields = fields,
        .field_count = ear->token[0] ? 3 : 1,
        .body = lane->body.size ? buffer_view(&lane->body) : TEXT_NONE,
        .deadline_ms = DEADLINE_MS,
        .may_repeat = true,
    };
    if (!lane->is_pinned)
        lane->node = ear->node;
    lane->status = 0;
    buffer_reset(&lane->answer);
    lane->call = client_ask(ear->pools[lane->node], &request, &handler, lane);
    if (!lane->call)
        wait_to_try(lane);
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    try_once(CONTAINER_OF(timer, struct ear_ask, again));
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct ear_ask *lane = context;
    lane->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct ear_ask *lane = context;
    buffer_text(&lane->answer, piece);
}

/* The first of the two lanes to be disappointed moves both. */
static void move_on(struct ear_ask *lane, const char *reason)
{
    struct ear *ear = lane->ear;
    if (lane->is_pinned || lane->node != ear->node || ear->config->node_count < 2)
        return;
    ear->node = (ear->node + 1) % ear->config->node_count;
    ear->moves++;
    ear_tell(ear, "%s: on to %s", reason, ear_node_url(ear));
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct ear_ask *lane = context;
    struct ear *ear = lane->ear;
    char reason[96];
    lane->call = NULL;
    lane->is_busy = false; /* what takes it may ask the next thing */
    bool is_answered = outcome == CLIENT_DONE && lane->status / 100 == 2;
    if (is_answered && lane->take(ear, buffer_view(&lane->answer)))
        return;
    lane->is_busy = true;
    if (outcome != CLIENT_DONE)
        (void)snprintf(reason, sizeof reason, "the node's answer was %s",
                       client_outcome_word(outcome));
    else
        (void)snprintf(reason, sizeof reason, "the node's answer (%u) does not serve",
                       lane->status);
    move_on(lane, reason);
    if (loop_now_us(ear->loop) < lane->give_up_us) {
        wait_to_try(lane);
        return;
    }
    lane->is_busy = false;
    lane->fail(ear);
}

void ear_ask(struct ear_ask *lane, const struct ear_question *question)
{
    buffer_reset(&lane->target);
    buffer_text(&lane->target, question->target);
    buffer_reset(&lane->body);
    buffer_text(&lane->body, question->body);
    lane->method = question->method;
    lane->take = question->take;
    lane->fail = question->fail;
    lane->give_up_us = loop_now_us(lane->ear->loop) + question->patience_ms * UINT64_C(1000);
    lane->is_pinned = question->node >= 0;
    if (lane->is_pinned)
        lane->node = (unsigned)question->node;
    lane->tries = 0;
    lane->is_busy = true;
    try_once(lane);
}

void ear_write_sign_in(const char *name, const char *password, struct buffer *body)
{
    struct json json;
    buffer_init(body, SIGN_IN_BYTES);
    json_init(&json, body);
    json_begin_object(&json);
    json_member_text(&json, "name", text_of(name));
    json_member_text(&json, "password", text_of(password));
    json_end_object(&json);
}

void ear_ask_init(struct ear_ask *lane, struct ear *ear)
{
    lane->ear = ear;
    lane->again.on_timer = on_again;
    buffer_init(&lane->answer, EAR_ANSWER_BYTES);
    buffer_init(&lane->target, 4096);
    buffer_init(&lane->body, 256 << 10);
}

void ear_ask_cut(struct ear_ask *lane)
{
    loop_timer_stop(&lane->again);
    if (lane->call)
        client_cancel(lane->call);
    lane->call = NULL;
    lane->is_busy = false;
}

void ear_ask_release(struct ear_ask *lane)
{
    loop_timer_stop(&lane->again);
    buffer_release(&lane->answer);
    buffer_release(&lane->target);
    buffer_release(&lane->body);
}
