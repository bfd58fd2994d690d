// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/header_list.h"
#include "tap.h"

static const struct http_limits limits = {400, 6, 64};

/* A list written as "name=value|name=value"; what it becomes, as "verdict status path host length".
 */
struct reading {
    struct arena *arena;
    struct http_request request;
    struct http_refusal why;
    enum http_header_verdict verdict;
};

static void read_list(struct reading *reading, const char *written, bool ends_here)
{
    struct http_header_list list;
    struct text rest = text_of(written), pair;
    arena_reset(reading->arena);
    http_header_list_init(&list, reading->arena);
    while (text_split(&rest, '|', &pair)) {
        size_t at = text_find_byte(pair, '=');
        http_header_list_add(&list, text_make(pair.data, at), false, text_from(pair, at + 1),
                             &limits);
    }
    reading->why = (struct http_refusal){0};
    reading->verdict =
        http_header_list_finish(&list, &limits, ends_here, &reading->request, &reading->why);
}

#define GET ":method=GET|:scheme=https|:path=/a/b?c=d|:authority=Example.org"

static const struct {
    const char *list;
    bool ends_here;
    enum http_header_verdict verdict;
    unsigned status;
    const char *claim;
} cases[] = {
    {GET, true, HTTP_HEADER_FINE, 0, "a plain GET"},
    {GET "|host=example.org", true, HTTP_HEADER_FINE, 0, "Host that says what :authority says"},
    {GET "|host=other.org", true, HTTP_HEADER_REFUSED, 400, "Host that says something else"},
    {GET "|host=example.org|host=example.org", true, HTTP_HEADER_REFUSED, 400, "two Hosts"},
    {":method=GET|:scheme=https|:path=/|host=a.b", true, HTTP_HEADER_FINE, 0, "Host alone"},
    {":method=GET|:scheme=https|:path=/", true, HTTP_HEADER_REFUSED, 400, "no host at all"},
    {":method=GET|:scheme=https|:path=/|:authority=a b", true, HTTP_HEADER_REFUSED, 400,
     "an :authority that is no host"},
    {":method=GET|:path=/|:authority=a", true, HTTP_HEADER_MALFORMED, 0, "no :scheme"},
    {":method=GET|:scheme=https|:authority=a", true, HTTP_HEADER_MALFORMED, 0, "no :path"},
    {":method=GET|:scheme=https|:path=|:authority=a", true, HTTP_HEADER_MALFORMED, 0,
     "an empty :path"},
    {":scheme=https|:path=/|:authority=a", true, HTTP_HEADER_MALFORMED, 0, "no :method"},
    {":method=CONNECT|:authority=a:443", true, HTTP_HEADER_REFUSED, 501, "CONNECT"},
    {":method=BREW|:scheme=https|:path=/|:authority=a", true, HTTP_HEADER_REFUSED, 501,
     "a method that nobody knows"},
    {":method=GET|:scheme=https|:path=/../x|:authority=a", true, HTTP_HEADER_REFUSED, 400,
     "a path above the root"},
    {":method=GET|:scheme=https|:path=http://a/|:authority=a", true, HTTP_HEADER_REFUSED, 400,
     "an absolute form"},
    {GET "|X-Upper=1", true, HTTP_HEADER_MALFORMED, 0, "a name in upper case"},
    {GET "|a b=1", true, HTTP_HEADER_MALFORMED, 0, "a space in a name"},
    {GET "|=1", true, HTTP_HEADER_MALFORMED, 0, "no name"},
    {GET "|a=1\n2", true, HTTP_HEADER_MALFORMED, 0, "a line feed in a value"},
    {GET "|a= 1", true, HTTP_HEADER_MALFORMED, 0, "a value that begins with a space"},
    {GET "|a=1\t", true, HTTP_HEADER_MALFORMED, 0, "a value that ends with a tab"},
    {GET "|a=", true, HTTP_HEADER_FINE, 0, "an empty value"},
    {GET "|connection=close", true, HTTP_HEADER_MALFORMED, 0, "Connection"},
    {GET "|keep-alive=5", true, HTTP_HEADER_MALFORMED, 0, "Keep-Alive"},
    {GET "|upgrade=h2c", true, HTTP_HEADER_MALFORMED, 0, "Upgrade"},
    {GET "|proxy-connection=close", true, HTTP_HEADER_MALFORMED, 0, "Proxy-Connection"},
    {GET "|transfer-encoding=chunked", true, HTTP_HEADER_MALFORMED, 0, "Transfer-Encoding"},
    {GET "|te=gzip", true, HTTP_HEADER_MALFORMED, 0, "TE of anything but trailers"},
    {GET "|te=trailers", true, HTTP_HEADER_FINE, 0, "TE of trailers"},
    {GET "|:status=200", true, HTTP_HEADER_MALFORMED, 0, "a pseudo-field of answers"},
    {GET "|:path=/", true, HTTP_HEADER_MALFORMED, 0, "a pseudo-field twice"},
    {":method=GET|:scheme=https|a=b|:path=/|:authority=a", true, HTTP_HEADER_MALFORMED, 0,
     "a pseudo-field behind a field"},
    {":method=GET|:scheme=https|:path=*|:authority=a", true, HTTP_HEADER_REFUSED, 400, "* for GET"},
    {":method=OPTIONS|:scheme=https|:path=*|:authority=a", true, HTTP_HEADER_FINE, 0,
     "* for OPTIONS"},
    {GET "|content-length=3", false, HTTP_HEADER_FINE, 0, "a length, and a body to come"},
    {GET "|content-length=3", true, HTTP_HEADER_MALFORMED, 0, "a length, and no body to come"},
    {GET "|content-length=0", true, HTTP_HEADER_FINE, 0, "a length of nothing"},
    {GET "|content-length=+3", false, HTTP_HEADER_MALFORMED, 0, "a length that is no number"},
    {GET "|content-length=18446744073709551615", false, HTTP_HEADER_MALFORMED, 0,
     "the length that stands for none"},
    {GET "|content-length=3|content-length=3", false, HTTP_HEADER_MALFORMED, 0, "two lengths"},
    {GET "|a=1|b=2|c=3|d=4|e=5|f=6", true, HTTP_HEADER_FINE, 0, "as many fields as may be"},
    {GET "|a=1|b=2|c=3|d=4|e=5|f=6|g=7", true, HTTP_HEADER_REFUSED, 431, "one field more"},
    {":method=GET|:scheme=https|:authority=a|:path=/"
     "0123456789012345678901234567890123456789012345678901234567890123",
     true, HTTP_HEADER_REFUSED, 414, "a target that is too long"},
    {GET "|a=00000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
     true, HTTP_HEADER_REFUSED, 431, "a list that is too long"},
};

int main(void)
{
    struct reading reading = {.arena = arena_new(1 << 16)};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        read_list(&reading, cases[i].list, cases[i].ends_here);
        OK(reading.verdict == cases[i].verdict && reading.why.status == cases[i].status,
           cases[i].claim);
    }
    read_list(&reading, GET "|cookie=a=1|x=y|cookie=b=2|cookie=c=3", true);
    OK_TEXT(reading.request.path, TEXT("/a/b"), "the path stands without its query");
    OK_TEXT(reading.request.query, TEXT("c=d"), "the query stands alone");
    OK_TEXT(reading.request.host, TEXT("example.org"), "the host is in lower case");
    OK_TEXT(http_request_field(&reading.request, TEXT("Cookie")), TEXT("a=1; b=2; c=3"),
            "crumbs of Cookie become one field");
    OK(reading.request.field_count == 2 && reading.request.version_major == 2 &&
           !reading.request.has_body,
       "pseudo-fields are no fields");
    read_list(&reading, GET, false);
    OK(reading.request.has_body && reading.request.content_length == UINT64_MAX,
       "a body without a length has one that is not known");
    arena_free(&reading.arena);
    return tap_done();
}
