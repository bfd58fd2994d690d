// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/fetch.h"
#include "base/buffer.h"
#include "io/scripted_server.h"
#include "io/workers.h"
#include "twin.h"

#include <stdio.h>

struct told {
    struct loop *loop;
    struct buffer body;
    unsigned status, interims, headers, slows, ends, tries;
    enum fetch_outcome outcome;
    struct text trailer;
    char trailer_bytes[64];
    bool cancels_at_header;
    size_t origin;
};

static void on_interim(struct fetch *fetch UNUSED, const struct http_response *interim,
                       void *context)
{
    struct told *told = context;
    told->interims += interim->status == 103;
}

static void on_header(struct fetch *fetch, const struct http_response *response, void *context)
{
    struct told *told = context;
    told->headers++;
    told->status = response->status;
    told->origin = fetch_origin(fetch);
    if (told->cancels_at_header) {
        fetch_cancel(fetch);
        loop_stop(told->loop);
    }
}

static void on_body(struct fetch *fetch UNUSED, struct text piece, void *context)
{
    struct told *told = context;
    buffer_text(&told->body, piece);
}

static void on_slow(struct fetch *fetch UNUSED, void *context)
{
    struct told *told = context;
    told->slows++;
}

static void on_end(struct fetch *fetch UNUSED, const struct fetch_end *end, void *context)
{
    struct told *told = context;
    told->ends++;
    told->outcome = end->outcome;
    told->tries = end->tries;
    if (end->trailer_count > 0) {
        (void)snprintf(told->trailer_bytes, sizeof told->trailer_bytes, "%.*s=%.*s",
                       TEXT_ARGS(end->trailers[0].name), TEXT_ARGS(end->trailers[0].value));
        told->trailer = text_of(told->trailer_bytes);
    }
    loop_stop(told->loop);
}

static const struct fetch_handler handler = {on_interim, on_header, on_body, on_slow, on_end};

enum { SERVERS = 2, HEDGE_ASKED = 50 /* what the server can note down */ };
struct stage {
    struct loop *loop;
    struct workers *resolvers;
    struct origins *origins;
    struct fetcher *fetcher;
    struct scripted_server servers[SERVERS];
    size_t server_count;
    struct told told;
};

struct pause {
    struct loop_timer timer;
    struct loop *loop;
};

static struct fetch_limits quick(void)
{
    struct fetch_limits limits = fetch_limits_default();
    limits.retry_backoff_ms = 1;
    limits.breaker_failures = 3;
    limits.breaker_probe_ms = 200;
    return limits;
}

static void raise_curtain(struct stage *stage, const struct say *const *scripts,
                          const size_t *counts, size_t servers, struct fetch_limits limits)
{
    char urls[SERVERS][64], why[256] = "";
    const char *list[SERVERS];
    *stage = (struct stage){.loop = loop_new(), .server_count = servers};
    for (size_t i = 0; i < servers; i++) {
        scripted_start(&stage->servers[i], scripts[i], counts[i], NULL);
        (void)snprintf(urls[i], sizeof urls[i], "http://localhost:%u", stage->servers[i].port);
        list[i] = urls[i];
    }
    struct origins_config config = {
        .urls = list, .url_count = servers, .limits = limits, .seed = 7};
    stage->resolvers = workers_start("names", 1, 16);
    stage->origins = origins_new(&config, why, sizeof why);
    stage->fetcher = fetcher_new(stage->origins, stage->loop, stage->resolvers, why, sizeof why);
    buffer_init(&stage->told.body, 1 << 20);
    stage->told.loop = stage->loop;
}

static void raise_one(struct stage *stage, const struct say *script, size_t count)
{
    raise_curtain(stage, &script, &count, 1, quick());
}

static void drop_curtain(struct stage *stage)
{
    fetcher_free(&stage->fetcher);
    workers_stop(&stage->resolvers);
    for (size_t i = 0; i < stage->server_count; i++)
        scripted_stop(&stage->servers[i]);
    origins_free(&stage->origins);
    loop_free(&stage->loop);
    buffer_release(&stage->told.body);
}

static bool ask(struct stage *stage, struct fetch_request request)
{
    struct told fresh = {.loop = stage->loop,
                         .body = stage->told.body,
                         .cancels_at_header = stage->told.cancels_at_header};
    buffer_reset(&fresh.body);
    stage->told = fresh;
    if (!request.method.data)
        request.method = TEXT("GET");
    if (!request.target.data)
        request.target = TEXT("/a");
    if (!fetch_start(stage->fetcher, &request, &handler, &stage->told))
        return false;
    loop_run(stage->loop);
    return true;
}

static enum fetch_outcome get(struct stage *stage)
{
    (void)ask(stage, (struct fetch_request){.deadline_ms = 10000});
    return stage->told.outcome;
}

static void on_time(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    loop_stop(CONTAINER_OF(timer, struct pause, timer)->loop);
}

static void let_pass(struct stage *stage, unsigned ms)
{
    struct pause pause = {.timer.on_timer = on_time, .loop = stage->loop};
    loop_timer_start(stage->loop, &pause.timer, loop_now_us(stage->loop) + ms * 1000);
    loop_run(stage->loop);
}

static bool was_seen(const struct stage *stage, size_t server, const char *words)
{
    return text_contains(text_make(stage->servers[server].seen, stage->servers[server].seen_size),
                         text_of(words));
}

#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define ETAG_9 "HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: 9\r\n\r\n"

static void whole_answers(void)
{
    static const struct say script[] = {
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_5
         "hello"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nServer-Timing: "
         "a\r\nContent-Length: 9\r\n\r\n"},
        {OK_5 "moved"},
    };
    struct stage stage;
    raise_one(&stage, script, ARRAY_SIZE(script));
    OK(get(&stage) == FETCH_DONE && stage.told.status == 200 && stage.told.tries == 1,
       "an answer comes from a named origin");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("hello"), "with its body");
    OK(stage.told.interims == 1, "and its early hints, but not 100");
    OK(get(&stage) == FETCH_DONE, "chunks");
    OK_TEXT(stage.told.trailer, TEXT("Server-Timing=a"), "bring trailers, but not of framing");
    struct http_field field = {TEXT("X-A"), TEXT("b")};
    OK(ask(&stage, (struct fetch_request){.method = TEXT("M-SEARCH"),
                                          .host = TEXT("music.example"),
                                          .fields = &field,
                                          .field_count = 1,
                                          .deadline_ms = 5000,
                                          .body = TEXT("")}) &&
           stage.told.outcome == FETCH_DONE,
       "any method goes");
    drop_curtain(&stage);
    OK(was_seen(&stage, 0, "M-SEARCH /a HTTP/1.1\r\nHost: music.example\r\nX-A: b\r\n"),
       "with Host and fields as they were given");
    OK(was_seen(&stage, 0, "Sostenuto-Deadline-Ms: 4") || /* what is left of it by then */
           was_seen(&stage, 0, "Sostenuto-Deadline-Ms: 5000\r\n"),
       "and the deadline is told");
}

/* Many edges that fail at the same moment do not ask again at the same moment. */
static void back_off_is_drawn(void)
{
    static const struct say script[] = {{OK_5 "hello", SAY_CLOSE}};
    struct stage stage;
    uint64_t least = UINT64_MAX, most = 0;
    raise_one(&stage, script, 1);
    for (size_t i = 0; i < 200; i++) {
        uint64_t drawn = origins_jittered_us(stage.origins, 25000);
        least = drawn < least ? drawn : least;
        most = drawn > most ? drawn : most;
    }
    (void)get(&stage);
    drop_curtain(&stage);
    OK(least >= 12500 && most <= 25000, "a pause is drawn between half of it and all");
    OK(most - least > 6250, "and is not always the same");
}

static void second_tries(void)
{
    static const struct say script[] = {{"", SAY_CLOSE}, {OK_5 "hello", SAY_CLOSE}};
    struct stage stage;
    raise_one(&stage, script, 2);
    OK(get(&stage) == FETCH_DONE && stage.told.tries == 2, "GET is tried again");
    drop_curtain(&stage);
    raise_one(&stage, script, 1);
    (void)ask(&stage, (struct fetch_request){.method = TEXT("POST"), .body = TEXT("x")});
    OK(stage.told.outcome == FETCH_NO_ANSWER && stage.told.tries == 1, "POST is not");
    drop_curtain(&stage);
    static const struct say unwell[] = {
        {"HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n", SAY_STAY}};
    raise_one(&stage, unwell, 1);
    OK(get(&stage) == FETCH_DONE && stage.told.status == 503 && stage.told.tries == 1,
       "503 of the only origin is passed on");
    drop_curtain(&stage);
    const struct say *const both[] = {unwell, script + 1};
    raise_curtain(&stage, both, (const size_t[]){1, 1}, 2, quick());
    OK(get(&stage) == FETCH_DONE && stage.told.status == 200 && stage.told.origin == 1,
       "of two, the other one is asked");
    drop_curtain(&stage);
}

#define LONG_AGO "Sun, 22 Nov 2026 10:00:00 GMT"
#define DATED "Last-Modified: " LONG_AGO "\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"

static void broken_bodies(void)
{
    static const struct say script[] = {
        {ETAG_9 "some", SAY_CLOSE},
        {"HTTP/1.1 206 Partial\r\nETag: \"v\"\r\nContent-Range: bytes 4-8/9\r\n"
         "Content-Length: 5\r\n\r\nthing",
         SAY_CLOSE}};
    static const struct say changed[] = {
        {ETAG_9 "some", SAY_CLOSE},
        {"HTTP/1.1 200 OK\r\nETag: \"w\"\r\nContent-Length: 9\r\n\r\nany thing", SAY_CLOSE}};
    static const struct say weak[] = {
        {"HTTP/1.1 200 OK\r\nETag: W/\"v\"\r\nContent-Length: 9\r\n\r\nsome", SAY_CLOSE}};
    static const struct say dated[] = {
        {"HTTP/1.1 200 OK\r\n" DATED "Content-Length: 9\r\n\r\nsome", SAY_CLOSE},
        {"HTTP/1.1 206 Partial\r\n" DATED "Content-Range: bytes 4-8/9\r\n"
         "Content-Length: 5\r\n\r\nthing",
         SAY_CLOSE}};
    struct stage stage;
    raise_one(&stage, script, 2);
    OK(get(&stage) == FETCH_DONE && stage.told.tries == 2 && stage.told.headers == 1,
       "a body that broke off is taken up");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("something"), "where it did");
    drop_curtain(&stage);
    OK(was_seen(&stage, 0, "Range: bytes=4-\r\nIf-Range: \"v\"\r\n"),
       "by a range of that very version");
    raise_one(&stage, changed, 2);
    OK(get(&stage) == FETCH_CUT && stage.told.body.size == 4, "another version is not glued on");
    drop_curtain(&stage);
    raise_one(&stage, weak, 1);
    OK(get(&stage) == FETCH_CUT && stage.told.tries == 1, "without a strong ETag it is cut");
    drop_curtain(&stage);
    raise_one(&stage, dated, 2);
    OK(get(&stage) == FETCH_DONE && stage.told.tries == 2, "but a date that is old enough will do");
    drop_curtain(&stage);
    OK(was_seen(&stage, 0, "Range: bytes=4-\r\nIf-Range: " LONG_AGO "\r\n"), "in its place");
}

/* sha-256 of "hello" */
#define HELLO_256 "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
#define DIGEST(of, body) "HTTP/1.1 200 OK\r\n" of "\r\nContent-Length: 5\r\n\r\n" body

static void digests(void)
{
    static const struct say script[] = {
        {DIGEST("Repr-Digest: md5=:AAAA:, " HELLO_256, "hello")},
        {DIGEST("Content-Digest: " HELLO_256, "hellO")},
        {DIGEST("Repr-Digest: sha-256=:AAAA:", "hello")},
        {DIGEST("Repr-Digest: " HELLO_256, "jello"), SAY_CLOSE},
    };
    static const enum fetch_outcome outcomes[] = {FETCH_DONE, FETCH_WRONG, FETCH_DONE, FETCH_WRONG};
    static const char *const claims[] = {
        "a body that is what its digest says is good", "one that is not is told",
        "a digest that cannot be one is not looked at", "Repr-Digest is, too"};
    struct stage stage;
    raise_one(&stage, script, ARRAY_SIZE(script));
    for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
        OK(get(&stage) == outcomes[i], claims[i]);
        OK((stage.told.body.size == 5) == (outcomes[i] == FETCH_DONE),
           "and only a good one looks whole");
    }
    drop_curtain(&stage);
}

static void held_answers(void)
{
    static const struct say script[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nlong then\r\n0\r\n\r\n"},
        {"HTTP/1.1 304 Not Modified\r\n\r\n"},
        {OK_5 "hel", SAY_CLOSE},
    };
    struct stage stage;
    raise_one(&stage, script, ARRAY_SIZE(script));
    const struct fetch_request request = {.holds_bytes = 8, .deadline_ms = 10000};
    OK(ask(&stage, request) && stage.told.outcome == FETCH_DONE && stage.told.status == 200,
       "an answer that is held until it is whole");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("hello"), "is told then");
    OK(ask(&stage, request) && stage.told.outcome == FETCH_DONE && stage.told.body.size == 9,
       "a larger one is told when it turns out to be");
    OK(ask(&stage, request) && stage.told.status == 304, "one without a body, too");
    OK(ask(&stage, request) && stage.told.outcome == FETCH_CUT && stage.told.headers == 0,
       "of a broken one nothing is told");
    drop_curtain(&stage);
}

/* A piece that begins with 'x' is wrong. */
static bool is_right(void *context, struct text piece)
{
    struct buffer *sizes = context;
    buffer_printf(sizes, "%zu ", piece.size);
    return piece.data[0] != 'x';
}

static void pieces_that_prove_themselves(void)
{
    static const struct say script[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi", .byte_by_byte = 9},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdxfghi"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxbcdefghi", .needs_fresh = true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcdefgh", .needs_fresh = true},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", .needs_fresh = true},
    };
    struct stage stage;
    struct buffer sizes;
    buffer_init(&sizes, 64);
    raise_one(&stage, script, ARRAY_SIZE(script));
    const struct fetch_request request = {.deadline_ms = 10000,
                                          .is_right = is_right,
                                          .right_context = &sizes,
                                          .piece_bytes = 4,
                                          .whole_bytes = 9};
    OK(ask(&stage, request) && stage.told.outcome == FETCH_DONE, "right pieces make a whole");
    OK_TEXT(buffer_view(&sizes), TEXT("4 4 1 "), "each was looked at once");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("abcdefghi"), "and told");
    OK(ask(&stage, request) && stage.told.outcome == FETCH_WRONG && stage.told.headers == 1,
       "a wrong one ends it");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("abcd"), "with what was right before it");
    OK(ask(&stage, request) && stage.told.outcome == FETCH_WRONG && stage.told.headers == 0,
       "of one that begins wrong nothing is told");
    OK(ask(&stage, request) && stage.told.outcome == FETCH_WRONG && stage.told.headers == 0,
       "nor of one of another size");
    OK(ask(&stage, request) && stage.told.status == 404, "what is no answer is told as it is");
    drop_curtain(&stage);
    buffer_release(&sizes);
}

/* Nobody hears of it; the origin's health does. */
static void abandoned_ones(void)
{
    static const struct say late[] = {{OK_5 "hello", .then = SAY_CLOSE, .wait_ms = 200}};
    static const struct say silent[] = {{"", SAY_HOLD}};
    struct fetch_limits limits = quick();
    const struct say *const both[] = {late, silent};
    limits.breaker_failures = 1;
    limits.origin_connect_ms = 400;
    for (size_t i = 0; i < 2; i++) {
        struct stage stage;
        const struct fetch_request request = {.method = TEXT("GET"), .target = TEXT("/a")};
        raise_curtain(&stage, &both[i], (const size_t[]){1}, 1, limits);
        struct fetch *first = fetch_start(stage.fetcher, &request, &handler, &stage.told),
                     *second = fetch_start(stage.fetcher, &request, &handler, &stage.told);
        let_pass(&stage, 50);
        fetch_abandon(first);
        fetch_abandon(second); /* one is enough */
        let_pass(&stage, 800);
        OK(!stage.told.headers && !stage.told.ends && fetcher_is_idle(stage.fetcher),
           "an abandoned fetch ends by itself, and tells nobody");
        OK(origins_are_alive(stage.origins) == (i == 0),
           i ? "an origin that stays silent is noticed" : "one that was late is well");
        drop_curtain(&stage);
    }
}

static void a_dead_origin(void)
{
    static const struct say script[] = {
        {"", SAY_CLOSE}, {"", SAY_CLOSE}, {"", SAY_CLOSE}, {OK_5 "again", SAY_CLOSE}};
    struct stage stage;
    struct fetch_limits limits = quick();
    limits.retry_percent = 0;
    const struct say *one = script;
    raise_curtain(&stage, &one, (const size_t[]){4}, 1, limits);
    for (unsigned i = 0; i < 3; i++)
        OK(get(&stage) == FETCH_NO_ANSWER && stage.told.tries == 1, "it does not answer");
    OK(!origins_are_alive(stage.origins), "it is taken for dead");
    enum fetch_outcome outcome = get(&stage);
    OK(outcome == FETCH_NO_ORIGIN && stage.told.tries == 0, "nobody asks it now");
    let_pass(&stage, 300);
    OK(get(&stage) == FETCH_DONE && origins_are_alive(stage.origins),
       "until a probe is due, which finds it alive");
    drop_curtain(&stage);
    OK(stage.servers[0].accepted == 4, "it saw four requests");
}

static void lateness(void)
{
    static const struct say script[] = {{OK_5 "hello", .then = SAY_CLOSE, .wait_ms = 300}};
    static const struct say silent[] = {{"", SAY_HOLD}};
    struct stage stage;
    raise_one(&stage, script, 1);
    (void)ask(&stage, (struct fetch_request){.patience_ms = 20});
    OK(stage.told.slows == 1 && stage.told.outcome == FETCH_DONE,
       "impatience is told once, and all goes on");
    drop_curtain(&stage);
    raise_one(&stage, silent, 1);
    (void)ask(&stage, (struct fetch_request){.deadline_ms = 400});
    OK(stage.told.outcome == FETCH_LATE && stage.told.headers == 0, "a deadline is kept");
    drop_curtain(&stage);
}

static void a_hedge(void)
{
    struct say first[HEDGE_ASKED + 1] = {0};
    static const struct say second[] = {{OK_5 "other", SAY_CLOSE}};
    struct stage stage;
    struct fetch_limits limits = quick();
    for (size_t i = 0; i < HEDGE_ASKED; i++)
        first[i] = (struct say){.bytes = OK_5 "hello", .then = SAY_STAY};
    first[HEDGE_ASKED] = (struct say){.bytes = OK_5 "late!", .then = SAY_CLOSE, .wait_ms = 1500};
    const struct say *const both[] = {first, second};
    raise_curtain(&stage, both, (const size_t[]){ARRAY_SIZE(first), 1}, 2, limits);
    for (size_t i = 0; i < HEDGE_ASKED; i++)
        (void)ask(&stage, (struct fetch_request){.is_background = true});
    OK(get(&stage) == FETCH_DONE && stage.told.origin == 1 && stage.told.tries == 2,
       "a request that is slower than nearly all is hedged, and the first answer wins");
    OK_TEXT(buffer_view(&stage.told.body), TEXT("other"), "alone");
    drop_curtain(&stage);
}

static void refusals(void)
{
    static const struct say script[] = {{OK_5 "hello", SAY_STAY}};
    static const char *const urls[] = {"http://a b", "ftp://a",    "http://a/x",
                                       "http://:80", "http://a:0", "a"};
    struct stage stage;
    char why[256];
    raise_one(&stage, script, 1);
    OK(!ask(&stage, (struct fetch_request){.method = TEXT("GET /")}) &&
           !ask(&stage, (struct fetch_request){.target = TEXT("/a b")}) &&
           !ask(&stage, (struct fetch_request){.host = TEXT("a\r\nb")}),
       "what would break a request apart is not sent");
    stage.told.cancels_at_header = true;
    OK(ask(&stage, (struct fetch_request){0}) && stage.told.ends == 0,
       "a fetch may be cancelled at its header");
    drop_curtain(&stage);
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        struct origins_config config = {
            .urls = &urls[i], .url_count = 1, .limits = fetch_limits_default()};
        OK(!origins_new(&config, why, sizeof why), urls[i]);
    }
}

static void nobody_there(void)
{
    const char *url = "http://no-such-name.invalid";
    char why[256];
    struct stage stage = {.loop = loop_new()};
    struct origins_config config = {.urls = &url, .url_count = 1, .limits = quick()};
    config.limits.retry_percent = 0;
    stage.resolvers = workers_start("names", 1, 16);
    stage.origins = origins_new(&config, why, sizeof why);
    stage.fetcher = fetcher_new(stage.origins, stage.loop, stage.resolvers, why, sizeof why);
    buffer_init(&stage.told.body, 1 << 20);
    OK(get(&stage) == FETCH_NO_ANSWER, "a name that is none is no answer");
    drop_curtain(&stage);
}

int main(void)
{
    twin_begin();
    whole_answers();
    second_tries();
    back_off_is_drawn();
    broken_bodies();
    digests();
    held_answers();
    pieces_that_prove_themselves();
    abandoned_ones();
    a_dead_origin();
    lateness();
    a_hedge();
    refusals();
    nobody_there();
    return tap_done();
}
