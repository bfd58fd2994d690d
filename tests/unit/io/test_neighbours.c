// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/neighbours.h"
#include "answer_probe.h"
#include "io/dispatch.h"
#include "tap.h"

#define FROM(origin) "Host: here\r\nOrigin: " origin "\r\n"
#define PREFLIGHT(origin) \
    "OPTIONS /ops HTTP/1.1\r\n" FROM(origin) "Access-Control-Request-Method: POST\r\n\r\n"

static const struct text nodes[] = {TEXT_INIT("https://paris.example"),
                                    TEXT_INIT("http://192.0.2.7:4747")};

static void test_list(void)
{
    struct neighbours *list = neighbours_new();
    OK(!neighbours_have(list, nodes[0]), "nobody is a neighbour at first");
    neighbours_set(list, nodes, ARRAY_SIZE(nodes));
    OK(neighbours_have(list, nodes[0]) && neighbours_have(list, nodes[1]), "who is named is one");
    OK(!neighbours_have(list, TEXT("https://paris.example.org")) &&
           !neighbours_have(list, TEXT("https://paris")) &&
           !neighbours_have(list, TEXT("http://paris.example")) && !neighbours_have(list, TEXT("")),
       "nobody else is, and no part of a name");
    neighbours_set(list, nodes + 1, 1);
    OK(!neighbours_have(list, nodes[0]), "who is not named any more is none");
    neighbours_free(&list);
}

static void test_bad(void)
{
    static const char *const bad[] = {"null",
                                      "*",
                                      "https://a; script-src *",
                                      "https://a/b",
                                      "https://*.example",
                                      "https://",
                                      "ftp://a",
                                      "https://A",
                                      "https://a'b",
                                      "https://a,b"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct neighbours *list = neighbours_new();
        struct text one = text_of(bad[i]);
        neighbours_set(list, &one, 1);
        OK(!neighbours_have(list, one),
           "what is no plain origin is left out: no policy may name it");
        neighbours_free(&list);
    }
}

static void test_bound(void)
{
    char names[NEIGHBOURS_MAX + 1][32];
    struct text origins[NEIGHBOURS_MAX + 1];
    struct neighbours *list = neighbours_new();
    for (int i = 0; i <= NEIGHBOURS_MAX; i++)
        origins[i] = text_make(
            names[i], (size_t)snprintf(names[i], sizeof names[i], "https://node-%d.example", i));
    neighbours_set(list, origins, NEIGHBOURS_MAX + 1);
    OK(neighbours_have(list, origins[NEIGHBOURS_MAX - 1]) &&
           !neighbours_have(list, origins[NEIGHBOURS_MAX]),
       "no more than NEIGHBOURS_MAX are kept");
    neighbours_free(&list);
}

static void on_request(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_send_empty(exchange, 204);
}

static void dispatch(struct probe *probe, const char *header)
{
    struct exchange *exchange = probe_read(probe, header);
    const struct server_route *route = dispatch_header(exchange);
    if (route)
        dispatch_body(exchange, route);
}

static void test_answers(void)
{
    struct probe probe;
    probe_start(&probe);
    server_route(probe.server, &(struct server_route){.methods = "GET POST",
                                                      .path = "/ops",
                                                      .max_body_bytes = 100,
                                                      .handler = on_request});
    dispatch(&probe, "GET /ops HTTP/1.1\r\n" FROM("https://paris.example") "\r\n");
    OK(!probe_field(&probe, "Vary").data, "a server without neighbours answers all alike");
    probe_end(&probe);
    server_set_neighbours(probe.server, nodes, ARRAY_SIZE(nodes));
    dispatch(&probe, "GET /ops HTTP/1.1\r\n" FROM("https://paris.example") "\r\n");
    OK_TEXT(probe_field(&probe, "Access-Control-Allow-Origin"), nodes[0],
            "a neighbour's page may read the answer");
    OK(!probe_field(&probe, "Access-Control-Allow-Credentials").data, "and never with cookies");
    OK_TEXT(probe_field(&probe, "Vary"), TEXT("Origin"), "which caches are told");
    probe_end(&probe);
    dispatch(&probe, "GET /ops HTTP/1.1\r\n" FROM("https://evil.example") "\r\n");
    OK(!probe_field(&probe, "Access-Control-Allow-Origin").data, "a stranger's may not");
    OK_TEXT(probe_field(&probe, "Vary"), TEXT("Origin"), "of which caches give neighbours no copy");
    probe_end(&probe);
    dispatch(&probe, "GET /ops HTTP/1.1\r\nHost: here\r\n\r\n");
    OK_TEXT(probe_field(&probe, "Vary"), TEXT("Origin"), "nor of what was asked without a page");
    probe_end(&probe);
    dispatch(&probe, PREFLIGHT("https://paris.example"));
    OK(probe_field(&probe, "Access-Control-Allow-Methods").size > 0 &&
           text_equal(probe_field(&probe, "Access-Control-Allow-Origin"), nodes[0]),
       "a neighbour's preflight is answered");
    probe_end(&probe);
    dispatch(&probe, PREFLIGHT("https://evil.example"));
    OK(!probe_field(&probe, "Access-Control-Allow-Methods").data &&
           !probe_field(&probe, "Access-Control-Allow-Origin").data,
       "a stranger's gets nothing");
    probe_end(&probe);
    probe_stop(&probe);
}

int main(void)
{
    test_list();
    test_bad();
    test_bound();
    test_answers();
    return tap_done();
}
