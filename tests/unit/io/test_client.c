// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "scripted_server.h"

/* What one call told. */
struct told {
    struct loop *loop;
    struct client_call *call;
    struct buffer body;
    uint64_t body_bytes;
    unsigned status, headers, ends;
    enum client_outcome outcome;
    bool cancels_in_body, pauses_in_body;
    unsigned pieces_after_pause;
};

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct told *told = context;
    told->headers++;
    told->status = response->status;
}

static void on_body(struct client_call *call, struct text piece, void *context)
{
    struct told *told = context;
    if (piece.data)
        buffer_append(&told->body, piece.data, piece.size);
    told->body_bytes += piece.size;
    if (told->cancels_in_body) {
        client_cancel(call);
        loop_stop(told->loop);
    } else if (told->pauses_in_body) {
        client_pause(call);
        told->pieces_after_pause++;
    }
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct told *told = context;
    told->ends++;
    told->outcome = outcome;
    told->call = NULL;
    loop_stop(told->loop);
}

static const struct client_handler handler = {on_header, on_body, on_end};

struct stage {
    struct loop *loop;
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct scripted_server server;
    struct client_limits limits;
    struct told told;
};

enum { LONG_MS = 10000, SHORT_MS = 200 }; /* this machine may be busy with other tests */

static void raise_curtain_for(struct stage *stage, const struct say *script, size_t count,
                              uint32_t first_byte_ms, uint32_t idle_ms)
{
    char url[64], why[256];
    *stage = (struct stage){.loop = loop_new(), .limits = client_limits_default()};
    stage->limits.first_byte_ms = first_byte_ms;
    stage->limits.idle_ms = idle_ms;
    scripted_start(&stage->server, script, count, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", stage->server.port);
    stage->client = client_new(stage->loop, NULL, why, sizeof why);
    stage->origin = client_origin_new(stage->client, text_of(url), NULL, &stage->limits);
    stage->pool = client_pool_new(stage->origin, NULL);
    stage->told.loop = stage->loop;
    buffer_init(&stage->told.body, 1 << 20);
}

static void raise_curtain(struct stage *stage, const struct say *script, size_t count)
{
    raise_curtain_for(stage, script, count, LONG_MS, LONG_MS);
}

static void drop_curtain(struct stage *stage)
{
    client_pool_free(&stage->pool);
    scripted_stop(&stage->server);
    client_origin_free(&stage->origin);
    client_free(&stage->client);
    loop_free(&stage->loop);
    buffer_release(&stage->told.body);
}

static bool ask(struct stage *stage, struct client_request request)
{
    if (!request.target.data)
        request.target = TEXT("/a");
    if (!request.method)
        request.method = HTTP_METHOD_GET;
    buffer_reset(&stage->told.body);
    stage->told.ends = stage->told.headers = stage->told.status = 0;
    stage->told.body_bytes = 0;
    stage->told.call = client_ask(stage->pool, &request, &handler, &stage->told);
    return stage->told.call != NULL;
}

/* Asks GET /a and waits for its end. */
static enum client_outcome get(struct stage *stage)
{
    if (ask(stage, (struct client_request){.deadline_ms = LONG_MS}))
        loop_run(stage->loop);
    return stage->told.outcome;
}

#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

static void good_answers(void)
{
    static const struct say script[] = {
        {OK_5 "hello"},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_5 "again"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         .byte_by_byte = 60},
        {"HTTP/1.1 204 No Content\r\n\r\n"},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", SAY_CLOSE},
        {OK_5 "fresh", SAY_CLOSE},
    };
    struct stage stage;
    raise_curtain(&stage, script, ARRAY_SIZE(script));
    OK(get(&stage) == CLIENT_DONE && stage.told.status == 200, "an answer of stated length");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("hello"), "gives its body");
    OK(get(&stage) == CLIENT_DONE && stage.told.headers == 1, "an interim answer is skipped");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("again"), "and the final one is told");
    OK(get(&stage) == CLIENT_DONE, "chunks, byte by byte");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("abcde"), "are put together");
    OK(get(&stage) == CLIENT_DONE && stage.told.status == 204, "an answer without a body");
    OK(get(&stage) == CLIENT_DONE, "a body may end with its connection");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("to the end"), "and is whole");
    OK(client_counts(stage.client)->connects == 1, "all of them on one connection");
    OK(get(&stage) == CLIENT_DONE && client_counts(stage.client)->connects == 2,
       "the next call gets a fresh one");
    drop_curtain(&stage);
    OK(text_starts(text_make(stage.server.seen, stage.server.seen_size),
                   TEXT("GET /a HTTP/1.1\r\nHost: 127.0.0.1:")),
       "requests are sent as HTTP/1.1 with Host");
}

static const struct {
    struct say say;
    enum client_outcome outcome;
    const char *claim;
} broken[] = {
    {{OK_5 "hel", SAY_CLOSE}, CLIENT_TRUNCATED, "a body cut short is told as such"},
    {{OK_5 "hel", SAY_RESET}, CLIENT_TRUNCATED, "by a reset too"},
    {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", SAY_CLOSE},
     CLIENT_TRUNCATED,
     "chunks without the last one are cut short"},
    {{"HTTP/1.1 200 OK\r\nContent-Le", SAY_CLOSE}, CLIENT_RESET, "a header cut short is a reset"},
    {{"", SAY_CLOSE}, CLIENT_RESET, "and so is no answer at all"},
    {{"220 smtp ready\r\n\r\n", SAY_HOLD}, CLIENT_MALFORMED, "another protocol is malformed"},
    {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", SAY_HOLD},
     CLIENT_MALFORMED,
     "and so is a chunk without a size"},
    {{"", SAY_HOLD}, CLIENT_TIMEOUT, "a server that says nothing is given up"},
    {{OK_5 "hel", SAY_HOLD}, CLIENT_TIMEOUT, "and one that stops within a body"},
};

static void broken_answers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct stage stage;
        bool is_silent = broken[i].outcome == CLIENT_TIMEOUT, is_empty = !broken[i].say.bytes[0];
        raise_curtain_for(&stage, &broken[i].say, 1, is_silent && is_empty ? SHORT_MS : LONG_MS,
                          is_silent ? SHORT_MS : LONG_MS);
        enum client_outcome outcome = get(&stage);
        /* a reset may overtake the header that was sent before it */
        bool overtaken = broken[i].say.then == SAY_RESET && outcome == CLIENT_RESET;
        OK((outcome == broken[i].outcome || overtaken) && stage.told.ends == 1, broken[i].claim);
        drop_curtain(&stage);
    }
}

static void kept_connections(void)
{
    static const struct say script[] = {{OK_5 "hello", SAY_CLOSE}, {OK_5 "again", SAY_STAY}};
    static const struct say lost[] = {{OK_5 "hello", SAY_STAY}, {"", SAY_CLOSE}, {OK_5 "again"}};
    struct stage stage;
    raise_curtain(&stage, script, 2);
    OK(get(&stage) == CLIENT_DONE && get(&stage) == CLIENT_DONE,
       "a kept connection that the server closed does not disturb the next call");
    drop_curtain(&stage);
    raise_curtain(&stage, lost, 3);
    OK(get(&stage) == CLIENT_DONE && get(&stage) == CLIENT_DONE &&
           client_counts(stage.client)->repeats == 1,
       "nor does one that is closed at the moment of asking: GET is asked again");
    drop_curtain(&stage);
    raise_curtain(&stage, lost, 2);
    OK(get(&stage) == CLIENT_DONE, "a POST on a kept connection");
    struct client_request post = {.method = HTTP_METHOD_POST, .body = TEXT("")};
    OK(ask(&stage, post), "is taken");
    loop_run(stage.loop);
    OK(stage.told.outcome == CLIENT_RESET, "and is not repeated without being allowed to");
    drop_curtain(&stage);
    raise_curtain(&stage,
                  (const struct say[]){{OK_5 "hello and more", SAY_STAY},
                                       {OK_5 "again", .needs_fresh = true}},
                  2);
    OK(get(&stage) == CLIENT_DONE && stage.told.body.size == 5 && get(&stage) == CLIENT_DONE &&
           client_counts(stage.client)->connects == 2,
       "bytes that nobody asked for end a connection, so they answer no later request");
    drop_curtain(&stage);
}

static void refusals(void)
{
    struct stage stage;
    static const struct say script[] = {{OK_5 "hello", SAY_CLOSE}};
    raise_curtain(&stage, script, 1);
    OK(!ask(&stage, (struct client_request){.target = TEXT("/a b")}), "a target with a space");
    OK(!ask(&stage, (struct client_request){.target = TEXT("/a\r\nX: y")}), "or with a new line");
    struct http_field bad = {TEXT("X"), TEXT("a\r\nY: b")};
    OK(!ask(&stage, (struct client_request){.fields = &bad, .field_count = 1}),
       "and a field value with one are refused");
    OK(!client_origin_new(stage.client, TEXT("http://example.com"), NULL, &stage.limits) &&
           !client_origin_new(stage.client, TEXT("http://127.0.0.1:0"), NULL, &stage.limits) &&
           !client_origin_new(stage.client, TEXT("http://127.0.0.1/x"), NULL, &stage.limits) &&
           !client_origin_new(stage.client, TEXT("ftp://127.0.0.1"), NULL, &stage.limits),
       "names, bad ports, paths and other schemes are no origin");
    (void)get(&stage);
    drop_curtain(&stage);
}

static void nobody_there(void)
{
    struct stage stage;
    char url[64];
    raise_curtain(&stage, NULL, 0);
    struct client_pool *pool = stage.pool;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", 1U);
    struct client_origin *origin =
        client_origin_new(stage.client, text_of(url), NULL, &stage.limits);
    struct address source = address_v4(0x7f010203);
    stage.pool = client_pool_new(origin, &source);
    OK(get(&stage) == CLIENT_UNREACHABLE && client_counts(stage.client)->connects_failed == 1,
       "a port where nobody listens is unreachable");
    client_pool_free(&stage.pool);
    client_origin_free(&origin);
    stage.pool = pool;
    drop_curtain(&stage);
}

static void bounds(void)
{
    static const struct say script[] = {{OK_5 "hello", SAY_STAY, .wait_ms = 50}, {OK_5 "again"}};
    struct stage stage;
    raise_curtain(&stage, script, 2);
    stage.limits.max_connections = 1;
    stage.limits.max_waiting = 1;
    client_pool_free(&stage.pool);
    client_origin_free(&stage.origin);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", stage.server.port);
    stage.origin = client_origin_new(stage.client, text_of(url), NULL, &stage.limits);
    stage.pool = client_pool_new(stage.origin, NULL);
    struct told second = {.loop = stage.loop};
    buffer_init(&second.body, 99);
    const struct client_request request = {.method = HTTP_METHOD_GET, .target = TEXT("/b")};
    OK(ask(&stage, request), "the first call has the one connection");
    OK(client_ask(stage.pool, &request, &handler, &second), "the second waits");
    OK(!client_ask(stage.pool, &request, &handler, &second), "the third is refused");
    loop_run(stage.loop);
    loop_run(stage.loop);
    OK(stage.told.ends == 1 && second.ends == 1 && second.outcome == CLIENT_DONE &&
           client_counts(stage.client)->connects == 1,
       "and both are answered on it, one after the other");
    buffer_release(&second.body);
    drop_curtain(&stage);
}

static void deadlines(void)
{
    static const struct say script[] = {{OK_5 "hello", SAY_HOLD, .wait_ms = 250}};
    struct stage stage;
    raise_curtain(&stage, script, 1);
    OK(ask(&stage, (struct client_request){.deadline_ms = 60}), "a call with a deadline");
    loop_run(stage.loop);
    OK(stage.told.outcome == CLIENT_TIMEOUT && stage.told.headers == 0, "ends with it");
    drop_curtain(&stage);
}

static void cancelling(void)
{
    static const struct say script[] = {{OK_5 "hel", SAY_HOLD}};
    struct stage stage;
    raise_curtain(&stage, script, 1);
    stage.told.cancels_in_body = true;
    (void)get(&stage);
    OK(stage.told.body.size == 3 && stage.told.ends == 0 &&
           client_counts(stage.client)->connections == 0,
       "a call cancelled in its body says nothing more, and its connection is closed");
    drop_curtain(&stage);
}

static void on_tick(struct loop_timer *timer, uint64_t now_us UNUSED) { loop_stop(timer->_loop); }

static void run_for(struct stage *stage, unsigned ms)
{
    struct loop_timer timer = {.on_timer = on_tick};
    loop_timer_start(stage->loop, &timer, loop_now_us(stage->loop) + ms * 1000U);
    loop_run(stage->loop);
    loop_timer_stop(&timer);
}

enum { BIG = 20 << 20 };
#define OK_BIG "HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n"

static void back_pressure(void)
{
    static const struct say script[] = {{OK_BIG, SAY_STAY, .repeats = BIG}};
    struct stage stage;
    raise_curtain_for(&stage, script, 1, LONG_MS, SHORT_MS);
    stage.told.pauses_in_body = true;
    (void)ask(&stage, (struct client_request){.discards = true});
    for (int i = 0; i < 1000 && stage.told.pieces_after_pause == 0; i++)
        run_for(&stage, 10);
    run_for(&stage, 3 * SHORT_MS);
    OK(stage.told.pieces_after_pause == 1 && stage.told.ends == 0,
       "a paused call gets no byte and is in no hurry");
    stage.told.pauses_in_body = false;
    client_resume(stage.told.call);
    loop_run(stage.loop);
    OK(stage.told.outcome == CLIENT_DONE && stage.told.body_bytes == BIG,
       "and all of it when it is resumed, counted without being kept");
    drop_curtain(&stage);
}

static void cut_while_paused(void)
{
    static const struct say script[] = {{OK_5 "hel", SAY_RESET, .wait_ms = 20}};
    struct stage stage;
    raise_curtain(&stage, script, 1);
    stage.told.pauses_in_body = true;
    (void)ask(&stage, (struct client_request){.discards = true});
    run_for(&stage, 200);
    stage.told.pauses_in_body = false;
    if (stage.told.call) {
        client_resume(stage.told.call);
        loop_run(stage.loop);
    }
    OK(stage.told.ends == 1 && stage.told.outcome != CLIENT_DONE,
       "a connection cut while paused is told on resuming");
    drop_curtain(&stage);
}

int main(void)
{
    good_answers();
    broken_answers();
    kept_connections();
    refusals();
    nobody_there();
    bounds();
    deadlines();
    cancelling();
    back_pressure();
    cut_while_paused();
    return tap_done();
}
