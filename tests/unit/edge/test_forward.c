// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/forward.h"
#include "tap.h"

static const struct http_field asked[] = {
    {TEXT_INIT("Host"), TEXT_INIT("h")},
    {TEXT_INIT("X"), TEXT_INIT("1")},
    {TEXT_INIT("Connection"), TEXT_INIT("y")},
    {TEXT_INIT("Y"), TEXT_INIT("2")},
    {TEXT_INIT("Range"), TEXT_INIT("bytes=0-1")},
    {TEXT_INIT("If-None-Match"), TEXT_INIT("\"c\"")},
    {TEXT_INIT("TE"), TEXT_INIT("trailers")},
    {TEXT_INIT("Transfer-Encoding"), TEXT_INIT("chunked")},
};
static const struct http_field held[] = {{TEXT_INIT("ETag"), TEXT_INIT("\"o\"")},
                                         {TEXT_INIT("Last-Modified"), TEXT_INIT("then")}};
static const struct http_field ranged[] = {{TEXT_INIT("Range"), TEXT_INIT("bytes=0-1")},
                                           {TEXT_INIT("If-Range"), TEXT_INIT("\"r\"")}};
#define RANGED ((struct caching_fields){ranged, 2})
#define ASKED ((struct caching_fields){asked, 8})
#define HELD ((struct caching_fields){held, 2})

static struct caching_fields forward(const struct forward *forward, struct arena *arena)
{
    struct caching_fields fields = {0};
    OK(forward_request(forward, arena, &fields), "it goes on");
    return fields;
}

static bool has(struct caching_fields fields, const char *name, const char *value)
{
    struct text found = caching_field(fields, text_of(name));
    return value ? text_equal(found, text_of(value)) : !found.data;
}

static void test_requests(struct arena *arena)
{
    struct caching_fields as_asked =
        forward(&(struct forward){.asked = ASKED, .conditions = FORWARD_AS_ASKED}, arena);
    OK(has(as_asked, "X", "1") && has(as_asked, "If-None-Match", "\"c\"") &&
           has(as_asked, "Range", "bytes=0-1") && has(as_asked, "Via", "1.1 sostenuto"),
       "as it was asked, with Via");
    OK(has(as_asked, "Host", NULL) && has(as_asked, "Connection", NULL) &&
           has(as_asked, "Y", NULL) && has(as_asked, "TE", "trailers") &&
           has(as_asked, "Transfer-Encoding", NULL),
       "without what belongs to a connection (9110 7.6.1), but that trailers are passed on "
       "(10.1.4)");
    struct caching_fields whole =
        forward(&(struct forward){.asked = ASKED, .conditions = FORWARD_WHOLE}, arena);
    OK(has(whole, "If-None-Match", NULL) && has(whole, "Range", NULL),
       "what is to be kept is asked for whole");
    struct caching_fields ours = forward(&(struct forward){.asked = ASKED,
                                                           .conditions = FORWARD_VALIDATE,
                                                           .stored = HELD,
                                                           .client = TEXT("192.0.2.1")},
                                         arena);
    OK(has(ours, "If-None-Match", "\"o\"") && has(ours, "If-Modified-Since", "then"),
       "with our validators instead of the client's (9111 4.3.1)");
    OK(has(ours, "X-Forwarded-For", "192.0.2.1"), "and who asks");
    struct caching_fields rest = forward(
        &(struct forward){
            .asked = ASKED, .conditions = FORWARD_WHOLE, .stored = HELD, .part = TEXT("bytes=5-")},
        arena);
    OK(has(rest, "Range", "bytes=5-") && has(rest, "If-Range", "\"o\""),
       "or only the rest of what is held, if it is still the same (9111 3.3)");
    struct caching_fields slice = forward(&(struct forward){.asked = ASKED,
                                                            .conditions = FORWARD_VALIDATE,
                                                            .stored = HELD,
                                                            .part = TEXT("bytes=0-9")},
                                          arena);
    OK(has(slice, "Range", "bytes=0-9") && has(slice, "If-Range", NULL) &&
           has(slice, "If-None-Match", "\"o\""),
       "a validation may bring a slice of what is new, never the whole");
    struct caching_fields both = forward(
        &(struct forward){.asked = RANGED, .conditions = FORWARD_WHOLE, .keeps_range = true},
        arena);
    OK(has(both, "Range", "bytes=0-1") && has(both, "If-Range", "\"r\""),
       "a Range goes with the If-Range that it was asked with, or an old part is glued to a new "
       "one");
}

static void test_answers(struct arena *arena)
{
    const struct http_field received[] = {{TEXT("Age"), TEXT("7")},
                                          {TEXT("Content-Length"), TEXT("7")},
                                          {TEXT("Set-Cookie"), TEXT("a")},
                                          {TEXT("Cache-Control"), TEXT("private=\"Set-Cookie\"")}};
    struct caching_fields from = {received, 4}, fields;
    struct caching_control control;
    caching_control_read(from, &control);
    OK(forward_response(from, NULL, 0, arena, &fields) && has(fields, "Age", "7") &&
           has(fields, "Set-Cookie", "a") && has(fields, "Content-Length", NULL),
       "an answer is passed on with its Age");
    OK(has(fields, "Date", "Thu, 01 Jan 1970 00:00:00 GMT"), "and gets a Date (9110 6.6.1)");
    OK(forward_response(from, &control, 0, arena, &fields) && has(fields, "Age", NULL) &&
           has(fields, "Set-Cookie", NULL),
       "what is stored has no Age, nor what is private");
}

int main(void)
{
    struct arena *arena = arena_new(1 << 20);
    test_requests(arena);
    test_answers(arena);
    arena_free(&arena);
    return tap_done();
}
