// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/dispatch.h"
#include "answer_probe.h"
#include "tap.h"

static struct probe probe;
static const char *handled_by;

static void on_request(struct exchange *exchange, void *context)
{
    handled_by = context;
    exchange_send_empty(exchange, 204);
}

static void add(const char *methods, const char *path)
{
    const struct server_route route = {.methods = methods,
                                       .path = path,
                                       .max_body_bytes = 100,
                                       .handler = on_request,
                                       .context = (void *)(uintptr_t)path};
    server_route(probe.server, &route);
}

/* What a carrier does with a header, up to the handler; the status of the answer. */
static unsigned dispatch(const char *header)
{
    struct exchange *exchange = probe_read(&probe, header);
    handled_by = NULL;
    const struct server_route *route = dispatch_header(exchange);
    if (route)
        dispatch_body(exchange, route);
    return probe.answered ? exchange->answer.status : 0;
}

#define WITH(method, target, field) method " " target " HTTP/1.1\r\nHost: here\r\n" field "\r\n"
#define ASK(method, target) WITH(method, target, "")

static bool reaches(const char *header, const char *path)
{
    unsigned status = dispatch(header);
    probe_end(&probe);
    return status == 204 && handled_by && text_equal(text_of(handled_by), text_of(path));
}

static void test_routes(void)
{
    OK(reaches(ASK("GET", "/a/exact"), "/a/exact"), "an exact path reaches its handler");
    OK(reaches(ASK("GET", "/a/exact/more"), "/a/"), "what goes on behind it does not");
    OK(reaches(ASK("GET", "/a/b/c"), "/a/b/"), "the longest prefix wins, whatever was added first");
    OK(reaches(ASK("GET", "/a/x"), "/a/"), "a prefix takes what is below it");
    OK(reaches(ASK("GET", "/a/../a/b/c?x=1"), "/a/b/"),
       "dot segments are gone before routes are looked at");
    OK(reaches(ASK("HEAD", "/a/x"), "/a/"), "HEAD comes with GET");
    OK(reaches(ASK("POST", "/a/exact"), "/a/exact"), "routes of one path are told by method");
}

static void test_refusals(void)
{
    OK(dispatch(ASK("GET", "/none")) == 404 && !handled_by, "a path that nobody has is 404");
    probe_end(&probe);
    OK(dispatch(ASK("DELETE", "/a/exact")) == 405, "a method that the path lacks is 405");
    OK_TEXT(probe_field(&probe, "Allow"), TEXT("GET, HEAD, POST, OPTIONS"),
            "which says what it has");
    probe_end(&probe);
    OK(dispatch(ASK("OPTIONS", "/a/x")) == 204 && !handled_by,
       "OPTIONS is answered without a handler");
    probe_end(&probe);
    OK(dispatch(WITH("POST", "/a/exact", "Content-Length: 101\r\n")) == 413,
       "a body over the route's limit is 413");
    probe_end(&probe);
    OK(dispatch(WITH("GET", "/a/x", "Expect: miracles\r\n")) == 417,
       "an expectation that is not known is 417");
    probe_end(&probe);
    OK(dispatch(ASK("GET", "/a/x?a=%zz")) == 400 && !handled_by,
       "a bad escape in a parameter is 400");
    probe_end(&probe);
}

static void test_parameters(void)
{
    dispatch(ASK("GET", "/a/x?one=1&two=a+b%21&one=3"));
    OK_TEXT(exchange_parameter(probe.exchange, TEXT("one")), TEXT("1"),
            "the first of a name counts");
    OK_TEXT(exchange_parameter(probe.exchange, TEXT("two")), TEXT("a b!"),
            "and values are decoded");
    probe_end(&probe);
}

int main(void)
{
    probe_start(&probe);
    add("GET", "/a/");
    add("GET", "/a/b/");
    add("GET", "/a/exact");
    add("POST", "/a/exact");
    test_routes();
    test_refusals();
    test_parameters();
    probe_stop(&probe);
    return tap_done();
}
