// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching.h"
#include "tap.h"

#include <string.h>

/* Responses as their header lines; time 0 is Sun, 22 Nov 2026 07:00:00 GMT, when they come. */
enum { FIELDS_MAX = 16 };
static const int64_t start_ms = INT64_C(1795330800) * 1000;

static struct caching_fields fields_of(const char *lines, struct http_field fields[FIELDS_MAX])
{
    struct text rest = text_of(lines), line;
    size_t count = 0;
    while (rest.size > 0 && text_split(&rest, '\n', &line)) {
        size_t colon = text_find_byte(line, ':');
        fields[count++] =
            (struct http_field){text_make(line.data, colon), text_trim(text_from(line, colon + 1))};
    }
    return (struct caching_fields){fields, count};
}

#define YES CACHING_STORE_YES
static const struct {
    const char *name, *method, *request;
    unsigned status;
    const char *response;
    enum caching_store expected;
} stores[] = {
    {"3: with max-age", "GET", "", 200, "Cache-Control: max-age=9", YES},
    {"3: with Expires, whatever it says", "GET", "", 200, "Expires: 0", YES},
    {"3: with a validator", "GET", "", 200, "ETag: \"a\"", YES},
    {"3: a status that nobody knows, if it has a lifetime", "GET", "", 599,
     "Cache-Control: max-age=9", YES},
    {"3: with nothing to go by", "GET", "", 200, "Content-Type: text/plain",
     CACHING_STORE_NOT_EXPLICIT},
    {"3: HEAD", "HEAD", "", 200, "Cache-Control: max-age=9", CACHING_STORE_NOT_METHOD},
    {"3: PUT", "PUT", "", 200, "Cache-Control: max-age=9", CACHING_STORE_NOT_METHOD},
    {"9110 9.3.3: POST with lifetime and Content-Location", "POST", "", 200,
     "Cache-Control: max-age=9\nContent-Location: /a", YES},
    {"9110 9.3.3: POST without Content-Location", "POST", "", 200, "Cache-Control: max-age=9",
     CACHING_STORE_NOT_METHOD},
    {"9110 9.3.3: POST without lifetime", "POST", "", 200, "ETag: \"a\"\nContent-Location: /a",
     CACHING_STORE_NOT_METHOD},
    {"3: interim", "GET", "", 103, "Cache-Control: max-age=9", CACHING_STORE_NOT_STATUS},
    {"5.2.2.5: no-store", "GET", "", 200, "Cache-Control: max-age=9, No-Store",
     CACHING_STORE_NO_STORE},
    {"5.2.2.5: in a second line", "GET", "", 200,
     "Cache-Control: max-age=9\nCache-Control: no-store", CACHING_STORE_NO_STORE},
    {"5.2.1.5: the client's no-store", "GET", "Cache-Control: no-store", 200,
     "Cache-Control: max-age=9", CACHING_STORE_NO_STORE},
    {"5.2.2.7: private", "GET", "", 200, "Cache-Control: private, max-age=9",
     CACHING_STORE_PRIVATE},
    {"5.2.2.7: private about a field", "GET", "", 200,
     "Cache-Control: private=\"set-cookie\", max-age=9", YES},
    {"5.2.2.3: must-understand of what we do not", "GET", "", 599,
     "Cache-Control: max-age=9, must-understand", CACHING_STORE_NOT_STATUS},
    {"5.2.2.3: must-understand undoes no-store", "GET", "", 200,
     "Cache-Control: max-age=9, must-understand, no-store", YES},
    {"3.5: Authorization", "GET", "Authorization: x", 200, "Cache-Control: max-age=9",
     CACHING_STORE_AUTHORIZED},
    {"3.5: … and public", "GET", "Authorization: x", 200, "Cache-Control: max-age=9, public", YES},
    {"3.5: … and s-maxage", "GET", "Authorization: x", 200, "Cache-Control: s-maxage=9", YES},
    {"3.5: … and must-revalidate", "GET", "Authorization: x", 200,
     "Cache-Control: max-age=9, must-revalidate", YES},
    {"4.1: Vary: *", "GET", "", 200, "Cache-Control: max-age=9\nVary: a\nVary: b, *",
     CACHING_STORE_VARIES_BY_ALL},
    {"a cookie without a lifetime", "GET", "", 200, "ETag: \"a\"\nSet-Cookie: a=b",
     CACHING_STORE_PRIVATE},
    {"a cookie with one", "GET", "", 200, "Cache-Control: max-age=9\nSet-Cookie: a=b", YES},
    {"9213: CDN-Cache-Control takes the place of Cache-Control", "GET", "", 200,
     "Cache-Control: no-store\nCDN-Cache-Control: max-age=9", YES},
    {"9213: but not a broken one", "GET", "", 200,
     "Cache-Control: no-store\nCDN-Cache-Control: max-age=9, &&", CACHING_STORE_NO_STORE},
};

static void test_storing(void)
{
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct http_field asked_fields[FIELDS_MAX], fields[FIELDS_MAX];
        struct caching_asked asked;
        struct caching_control control;
        struct caching_fields response = fields_of(stores[i].response, fields);
        caching_asked_read(fields_of(stores[i].request, asked_fields), &asked);
        caching_control_read(response, &control);
        enum caching_store store = caching_may_store(text_of(stores[i].method), &asked,
                                                     stores[i].status, response, &control);
        OK(store == stores[i].expected, stores[i].name);
    }
}

#define NOW "Sun, 22 Nov 2026 07:00:00 GMT"
static const struct {
    const char *name;
    unsigned status;
    const char *response;
    int64_t age_s, lifetime_s; /* with a second between request and response */
} lives[] = {
    {"5.2.2.1: max-age", 200, "Cache-Control: max-age=60", 1, 60},
    {"5.2.2.10: s-maxage before it", 200, "Cache-Control: max-age=60, s-maxage=7", 1, 7},
    {"5.3: max-age before Expires", 200, "Expires: " NOW "\nCache-Control: max-age=60", 1, 60},
    {"5.3: Expires less Date", 200, "Date: " NOW "\nExpires: Sun, 22 Nov 2026 07:01:00 GMT", 1, 60},
    {"5.3: Expires that is no date", 200, "Date: " NOW "\nExpires: 0", 1, 0},
    {"5.3: Expires before Date", 200, "Date: " NOW "\nExpires: Sun, 22 Nov 2026 06:00:00 GMT", 1,
     0},
    {"5.3: two that differ", 200,
     "Date: " NOW
     "\nExpires: Sun, 22 Nov 2026 07:01:00 GMT\nExpires: Sun, 22 Nov 2026 08:01:00 GMT",
     1, 0},
    {"4.2.1: the first of two", 200, "Cache-Control: max-age=60\nCache-Control: max-age=1", 1, 60},
    {"4.2.1: no number", 200, "Cache-Control: max-age='60'", 1, 0},
    {"4.2.1: below nothing", 200, "Cache-Control: max-age=-60", 1, 0},
    {"5.2: quoted", 200, "Cache-Control: max-age=\"60\"", 1, 60},
    {"5.2: inside another's quotes", 200, "Cache-Control: x=\"max-age=60\", max-age=1", 1, 1},
    {"1.2.2: more than fits", 200, "Cache-Control: max-age=99999999999999999999", 1,
     INT64_C(1) << 31},
    {"4.2.2: a tenth of its age", 200,
     "Date: " NOW "\nLast-Modified: Sun, 22 Nov 2026 06:00:00 GMT", 1, 360},
    {"4.2.2: at most a day", 200, "Date: " NOW "\nLast-Modified: Sun, 22 Nov 2020 06:00:00 GMT", 1,
     86400},
    {"4.2.2: not of every status", 502,
     "Date: " NOW "\nLast-Modified: Sun, 22 Nov 2026 06:00:00 GMT", 1, 0},
    {"4.2.2: of any that is public", 599,
     "Date: " NOW "\nLast-Modified: Sun, 22 Nov 2026 06:00:00 GMT\nCache-Control: public", 1, 360},
    {"4.2.3: Age and the way", 200, "Cache-Control: max-age=60\nAge: 10", 11, 60},
    {"4.2.3: Date says more", 200, "Cache-Control: max-age=60\nDate: Sun, 22 Nov 2026 06:00:00 GMT",
     3600, 60},
    {"5.1: the first of a list", 200, "Cache-Control: max-age=60\nAge: 0, 7200", 1, 60},
    {"5.1: none that can be read", 200, "Cache-Control: max-age=60\nAge: 7200.0", 1, 60},
    {"9213: neither Cache-Control nor Expires", 200,
     "Date: " NOW "\nExpires: " NOW "\nCache-Control: max-age=1\nCDN-Cache-Control: max-age=60", 1,
     60},
    {"9213: ours before the others'", 200,
     "CDN-Cache-Control: max-age=60\nSostenuto-CDN-Cache-Control: max-age=5", 1, 5},
};

static struct caching_freshness freshness_of(unsigned status, const char *lines, bool distrusts_age)
{
    struct http_field fields[FIELDS_MAX];
    struct caching_fields response = fields_of(lines, fields);
    struct caching_control control;
    struct caching_freshness freshness;
    caching_control_read(response, &control);
    caching_freshness_of(status, response, &control,
                         (struct caching_times){start_ms - 1000, start_ms}, distrusts_age,
                         &freshness);
    return freshness;
}

static void test_lives(void)
{
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct caching_freshness freshness =
            freshness_of(lives[i].status, lives[i].response, false);
        OK(freshness.age_at_response_ms == lives[i].age_s * 1000 &&
               freshness.lifetime_ms == lives[i].lifetime_s * 1000,
           lives[i].name);
    }
    struct caching_freshness distrusted =
        freshness_of(200, "Cache-Control: max-age=60\nAge: x", true);
    OK(caching_age_ms(&distrusted, start_ms) > distrusted.lifetime_ms,
       "an Age that is no number makes a response stale where that is asked for");
    struct caching_freshness plain = freshness_of(200, "Cache-Control: max-age=60", false);
    OK(caching_age_ms(&plain, start_ms - 5000) == 1000,
       "a clock that is set back makes nothing younger");
}

#define FRESH CACHING_USE_FRESH
#define STALE CACHING_USE_STALE
#define AGAIN CACHING_USE_REVALIDATE
#define NOT CACHING_USE_NOT
static const struct {
    const char *name, *request, *control;
    int64_t after_s;
    enum caching_use expected;
} uses[] = {
    {"4.2: fresh", "", "max-age=60", 58, FRESH},
    {"4.2: just not any more", "", "max-age=60", 59, NOT},
    {"5.2.2.4: no-cache", "", "max-age=60, no-cache", 0, NOT},
    {"5.2.2.4: no-cache about a field", "", "max-age=60, no-cache=\"a\"", 0, FRESH},
    {"5.2.1.1: max-age of the client", "Cache-Control: max-age=10", "max-age=60", 8, FRESH},
    {"5.2.1.1: … too old for it", "Cache-Control: max-age=10", "max-age=60", 12, NOT},
    {"5.2.1.3: min-fresh", "Cache-Control: min-fresh=20", "max-age=60", 30, FRESH},
    {"5.2.1.3: … not for so long", "Cache-Control: min-fresh=20", "max-age=60", 40, NOT},
    {"5.2.1.2: max-stale without end", "Cache-Control: max-stale", "max-age=60", 6000, STALE},
    {"5.2.1.2: max-stale", "Cache-Control: max-stale=10", "max-age=60", 65, STALE},
    {"5.2.1.2: … staler", "Cache-Control: max-stale=10", "max-age=60", 75, NOT},
    {"4.2.4: must-revalidate against it", "Cache-Control: max-stale", "max-age=60, must-revalidate",
     65, NOT},
    {"4.2.4: s-maxage against it", "Cache-Control: max-stale", "s-maxage=60", 65, NOT},
    {"5.2.1.4: no-cache of the client", "Cache-Control: no-cache", "max-age=60", 0, NOT},
    {"5.2.1.5: no-store of the client", "Cache-Control: no-store", "max-age=60", 0, NOT},
    {"5.4: Pragma", "Pragma: no-cache", "max-age=60", 0, NOT},
    {"5.4: Pragma beside Cache-Control", "Pragma: no-cache\nCache-Control: x", "max-age=60", 0,
     FRESH},
    {"5861 3: stale while it is validated", "", "max-age=60, stale-while-revalidate=30", 70, AGAIN},
    {"5861 3: … and no longer", "", "max-age=60, stale-while-revalidate=30", 90, NOT},
    {"5861 3: not with must-revalidate", "",
     "max-age=60, must-revalidate, stale-while-revalidate=30", 70, NOT},
    {"8246 2: a reload of what is immutable", "Cache-Control: max-age=0", "max-age=60, immutable",
     5, FRESH},
    {"8246 2: … while it is fresh", "Cache-Control: max-age=0", "max-age=60, immutable", 65, NOT},
};

static void test_uses(void)
{
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        char lines[200] = "Cache-Control: ";
        struct http_field fields[FIELDS_MAX];
        struct caching_asked asked;
        memcpy(lines + strlen(lines), uses[i].control, strlen(uses[i].control) + 1);
        struct caching_freshness freshness = freshness_of(200, lines, false);
        caching_asked_read(fields_of(uses[i].request, fields), &asked);
        OK(caching_use_of(&freshness, &asked, start_ms + uses[i].after_s * 1000) ==
               uses[i].expected,
           uses[i].name);
    }
}

static const struct {
    const char *name, *control;
    bool was_answered;
    int64_t after_s;
    bool expected;
} helps[] = {
    {"4.2.4: no origin", "max-age=60", false, 3600, true},
    {"5861 4: an error, nothing said", "max-age=60", true, 3600, true},
    {"5861 4: an error, long enough", "max-age=60, stale-if-error=600", true, 600, true},
    {"5861 4: an error, too old", "max-age=60, stale-if-error=600", true, 700, false},
    {"4.2.4: no origin, whatever is said of errors", "max-age=60, stale-if-error=600", false, 700,
     true},
    {"5.2.2.2: must-revalidate", "max-age=60, must-revalidate", false, 70, false},
    {"5.2.2.8: proxy-revalidate", "max-age=60, proxy-revalidate", false, 70, false},
    {"5.2.2.10: s-maxage", "s-maxage=60", false, 70, false},
    {"5.2.2.4: no-cache", "no-cache", false, 0, false},
};

static void test_helps(void)
{
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++) {
        char lines[200] = "Cache-Control: ";
        memcpy(lines + strlen(lines), helps[i].control, strlen(helps[i].control) + 1);
        struct caching_freshness freshness = freshness_of(200, lines, false);
        OK(caching_may_help(&freshness, helps[i].was_answered, start_ms + helps[i].after_s * 1000,
                            INT64_C(30) * 86400 * 1000) == helps[i].expected,
           helps[i].name);
    }
}

static const struct {
    const char *location, *expected; /* NULL: another origin's */
} locations[] = {
    {"/b", "/b"},        {"http://h:80/b?c#d", "/b?c"}, {"https://H:80", "/"}, {"//h:80/b", "/b"},
    {"//other/b", NULL}, {"http://h:80.evil/b", NULL},  {"b", "/a/b"},         {"", "/a/x?y"},
    {"mailto:x", NULL},
};

static void test_invalidation(void)
{
    OK(caching_invalidates(TEXT("POST"), 200) && caching_invalidates(TEXT("M-SEARCH"), 303),
       "4.4: an unsafe method that worked invalidates, a known one or not");
    OK(!caching_invalidates(TEXT("POST"), 500) && !caching_invalidates(TEXT("OPTIONS"), 200),
       "4.4: neither one that failed nor a safe one does");
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        struct buffer out;
        buffer_init(&out, 100);
        bool is_same =
            caching_same_origin(TEXT("h:80"), TEXT("/a/x?y"), text_of(locations[i].location), &out);
        OK(is_same == (locations[i].expected != NULL) &&
               (!is_same || text_equal(buffer_view(&out), text_of(locations[i].expected))),
           locations[i].location);
        buffer_release(&out);
    }
}

static void test_status(void)
{
    struct buffer out;
    buffer_init(&out, 200);
    caching_status_write(&out, "sostenuto", &(struct caching_status){.is_hit = true, .ttl_s = -5});
    OK(text_equal(buffer_view(&out), TEXT("sostenuto; hit; ttl=-5")), "9211: a hit");
    buffer_reset(&out);
    caching_status_write(&out, "sostenuto",
                         &(struct caching_status){.forward = CACHING_FORWARD_STALE,
                                                  .forward_status = 304,
                                                  .is_stored = true,
                                                  .ttl_s = INT64_MIN});
    OK(text_equal(buffer_view(&out), TEXT("sostenuto; fwd=stale; fwd-status=304; stored")),
       "9211: a revalidation");
    buffer_release(&out);
}

int main(void)
{
    test_storing();
    test_lives();
    test_uses();
    test_helps();
    test_invalidation();
    test_status();
    return tap_done();
}
