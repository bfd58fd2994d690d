// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"
#include "http/response_list.h"
#include "tap.h"

/* Fields stand as "name=value|name=value". */
struct row {
    const char *fields;
    bool ends_here;
    enum http_method asked;
    int framing; /* -1: refused */
    const char *claim;
};

#define OK_200 ":status=200"
#define GET HTTP_METHOD_GET
#define HEAD HTTP_METHOD_HEAD

static const struct row rows[] = {
    {OK_200, false, GET, HTTP_BODY_CHUNKED, "a body of unknown length"},
    {OK_200, true, GET, HTTP_BODY_NONE, "no body"},
    {OK_200 "|content-length=3", false, GET, HTTP_BODY_LENGTH, "a body of known length"},
    {OK_200 "|content-length=0", false, GET, HTTP_BODY_NONE, "a body of nothing"},
    {OK_200 "|content-length=3", true, HEAD, HTTP_BODY_NONE, "a length that HEAD asked for"},
    {":status=304|content-length=3", true, GET, HTTP_BODY_NONE, "a length beside a 304"},
    {OK_200 "|content-length=3", true, GET, -1, "a length, and no body to come"},
    {OK_200 "|content-length=3|content-length=3", false, GET, -1, "two lengths"},
    {OK_200 "|content-length=+3", false, GET, -1, "a length that is no number"},
    {OK_200 "|content-length=18446744073709551615", false, GET, -1,
     "the length that stands for none"},
    {"x=y", false, GET, -1, "no status"},
    {OK_200 "|:status=200", false, GET, -1, "two of them"},
    {"x=y|:status=200", false, GET, -1, "one that comes late"},
    {":status=20", false, GET, -1, "two digits"},
    {":status=600", false, GET, -1, "a status past all classes"},
    {":status=101", false, GET, -1, "a change of protocol"},
    {":status=103", false, GET, HTTP_BODY_NONE, "an interim answer"},
    {":status=103", true, GET, -1, "an interim answer with which all ends"},
    {OK_200 "|:path=/", false, GET, -1, "a pseudo-field of requests"},
    {OK_200 "|Etag=a", false, GET, -1, "a capital letter"},
    {OK_200 "|x=a\r\nb", false, GET, -1, "a line end in a value"},
    {OK_200 "|transfer-encoding=chunked", false, GET, -1, "a framing field of HTTP/1"},
    {OK_200 "|connection=close", false, GET, -1, "a field of one connection"},
    {OK_200 "|a=b|a=b|a=b", false, GET, -1, "more fields than the limit"},
    {OK_200 "|a=0123456789012345678901234567890123456789012345678901234567890123456789", false, GET,
     -1, "more bytes than the limit"},
};

static void run(const struct row *row, struct arena *arena)
{
    const struct http_limits limits = {.max_header_bytes = 140, .max_fields = 2};
    struct http_response_list list;
    struct http_response response;
    struct text rest = text_of(row->fields), field;
    const char *why = NULL;
    http_response_list_init(&list, arena);
    while (text_split(&rest, '|', &field)) {
        size_t equals = text_find_byte(field, '=');
        http_response_list_add(&list, text_make(field.data, equals), text_from(field, equals + 1),
                               &limits);
    }
    bool is_fine = http_response_list_finish(&list, row->asked, row->ends_here, &response, &why);
    OK(is_fine ? (int)response.framing == row->framing : row->framing == -1 && why, row->claim);
}

int main(void)
{
    struct arena *arena = arena_new(16 << 10);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        run(&rows[i], arena);
        arena_reset(arena);
    }
    arena_free(&arena);
    return tap_done();
}
