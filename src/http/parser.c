// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/parser.h"

#include "http/fields.h"
#include "http/header.h"
#include "http/target.h"

#include <llhttp.h>
#include <string.h>

/*
 * Three passes over bytes that are hot in the cache:
 *   find_end   looks for the empty line and refuses what is wrong with lines as such
 *   read_*     split the request line; then header_plain.c gives the fields, or llhttp checks the
 * whole and gives them judge_*    refuse what is wrong with the message: Host, framing, target
 */
enum { REQUEST_LINE_EXTRA_BYTES = 32 }; /* longest method we know, version, spaces */

static int refuse(struct http_refusal *ret_why, unsigned status, const char *why)
{
    *ret_why = (struct http_refusal){status, why};
    return -1;
}

void http_parser_init(struct http_parser *parser) { *parser = (struct http_parser){0}; }

/* --- pass 1 --- */

/* `line` ends with its LF. */
static int judge_line(const struct http_parser *parser, struct text line,
                      const struct http_limits *limits, struct http_refusal *ret_why)
{
    if (line.size < 2 || line.data[line.size - 2] != '\r')
        return refuse(ret_why, 400, "a line ends with a bare LF");
    if (memchr(line.data, '\r', line.size - 2))
        return refuse(ret_why, 400, "a line has a bare CR");
    if (memchr(line.data, '\0', line.size))
        return refuse(ret_why, 400, "the header has a NUL");
    if (parser->lines > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
        return refuse(ret_why, 400, "a field is folded over lines");
    if (parser->lines == 0 && line.size > limits->max_target_bytes + REQUEST_LINE_EXTRA_BYTES)
        return refuse(ret_why, 414, "the request target is too long");
    if (parser->lines > limits->max_fields && line.size > 2)
        return refuse(ret_why, 431, "the header has too many fields");
    return 0;
}

static int judge_size(const struct http_parser *parser, size_t size,
                      const struct http_limits *limits, struct http_refusal *ret_why)
{
    if (parser->lines == 0 && size > limits->max_target_bytes + REQUEST_LINE_EXTRA_BYTES)
        return refuse(ret_why, 414, "the request target is too long");
    if (size > limits->max_header_bytes)
        return refuse(ret_why, 431, "the header is too long");
    return 0;
}

/* Empty lines before a request line are skipped (RFC 9112 2.2), two at most. */
static size_t leading_empty_bytes(struct text bytes)
{
    size_t skipped = 0;
    while (skipped < 4 && text_starts(text_from(bytes, skipped), TEXT("\r\n")))
        skipped += 2;
    return skipped;
}

int http_header_find_end(struct http_parser *parser, struct text bytes,
                         const struct http_limits *limits, size_t *ret_size,
                         struct http_refusal *ret_why)
{
    while (parser->scanned < bytes.size) {
        const char *from = bytes.data + parser->scanned;
        const char *lf = memchr(from, '\n', bytes.size - parser->scanned);
        if (!lf)
            break;
        size_t end = (size_t)(lf - bytes.data) + 1;
        struct text line = {bytes.data + parser->line_start, end - parser->line_start};
        if (judge_line(parser, line, limits, ret_why) < 0)
            return -1;
        parser->scanned = parser->line_start = end;
        if (line.size == 2) {
            *ret_size = end;
            return judge_size(parser, end, limits, ret_why) < 0 ? -1 : 1;
        }
        parser->lines++;
    }
    parser->scanned = bytes.size;
    return judge_size(parser, bytes.size, limits, ret_why);
}

/* --- pass 2 --- */

struct reading {
    llhttp_t llhttp;
    struct http_field *fields;
    size_t count, capacity;
    bool is_complete;
};

static int on_field(llhttp_t *llhttp, const char *at, size_t size)
{
    struct reading *reading = llhttp->data;
    if (reading->count == reading->capacity || size == 0) /* llhttp lets an empty name pass */
        return HPE_USER;
    reading->fields[reading->count++] = (struct http_field){{at, size}, {at + size, 0}};
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t size)
{
    struct reading *reading = llhttp->data;
    if (reading->count == 0)
        return HPE_USER;
    reading->fields[reading->count - 1].value = text_trim(text_make(at, size));
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct reading *reading = llhttp->data;
    reading->is_complete = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

static int refuse_as(llhttp_errno_t error, struct http_refusal *ret_why)
{
    switch (error) {
    case HPE_INVALID_HEADER_TOKEN:
    case HPE_UNEXPECTED_SPACE:
    case HPE_USER:
        return refuse(ret_why, 400, "a field name or value has bytes that may not be there");
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return refuse(ret_why, 400, "Content-Length is not one number");
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse(ret_why, 501, "the only Transfer-Encoding understood is chunked");
    default:
        return refuse(ret_why, 400, "the header is not HTTP/1");
    }
}

int http_header_read_fields(struct text header, enum http_header_of of, size_t lines,
                            struct http_field *fields, struct http_refusal *ret_why)
{
    struct reading reading = {.fields = fields, .capacity = lines};
    llhttp_init(&reading.llhttp, of == HTTP_HEADER_OF_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
                &settings);
    reading.llhttp.data = &reading;
    llhttp_errno_t error = llhttp_execute(&reading.llhttp, header.data, header.size);
    if (error != HPE_OK && error != HPE_PAUSED_UPGRADE)
        return refuse_as(error, ret_why);
    if (!reading.is_complete || reading.count != lines)
        return refuse(ret_why, 400, "the header is not HTTP/1");
    return 0;
}

static int read_version(struct text t, struct http_request *request, struct http_refusal *ret_why)
{
    bool is_version = t.size == 8 && text_starts(t, TEXT("HTTP/")) && t.data[5] >= '0' &&
                      t.data[5] <= '9' && t.data[6] == '.' && t.data[7] >= '0' && t.data[7] <= '9';
    if (!is_version)
        return refuse(ret_why, 400, "the request line does not end with an HTTP version");
    if (t.data[5] != '1' || t.data[7] > '1')
        return refuse(ret_why, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    request->version_major = 1;
    request->version_minor = (unsigned)(t.data[7] - '0');
    return 0;
}

/* method SP target SP version, one space each (RFC 9112 3) */
static int read_request_line(struct text line, const struct http_limits *limits,
                             struct http_request *request, struct http_refusal *ret_why)
{
    struct text rest = line, method;
    if (!text_split(&rest, ' ', &method) || !http_is_token(method) || !rest.data)
        return refuse(ret_why, 400, "the request line does not start with a method");
    size_t space = text_find_byte(rest, ' ');
    if (space == SIZE_MAX)
        return refuse(ret_why, 400, "the request line does not end with an HTTP version");
    request->target = text_make(rest.data, space);
    if (read_version(text_from(rest, space + 1), request, ret_why) < 0)
        return -1;
    if (request->target.size > limits->max_target_bytes)
        return refuse(ret_why, 414, "the request target is too long");
    request->method = http_method_of(method);
    request->method_name = method;
    bool is_taken = limits->takes_any_method && !text_equal(method, TEXT("CONNECT"));
    if (request->method == HTTP_METHOD_OTHER && !is_taken)
        return refuse(ret_why, 501, "the method is not known here");
    return 0;
}

/* --- pass 3 --- */

/* The only field of that name; *ret_count says how many there are. */
static struct text only_field(const struct http_request *request, struct text name,
                              size_t *ret_count)
{
    struct text value = TEXT_NONE;
    *ret_count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (text_equal_nocase(request->fields[i].name, name)) {
            value = request->fields[i].value;
            ++*ret_count;
        }
    }
    return value;
}

/* RFC 9112 6: how long the body is, with no room for two opinions. */
static int judge_framing(struct http_request *request, struct http_refusal *ret_why)
{
    size_t lengths, encodings;
    struct text length = only_field(request, TEXT("Content-Length"), &lengths);
    struct text encoding = only_field(request, TEXT("Transfer-Encoding"), &encodings);
    if (lengths > 1 || (lengths && encodings) || encodings > 1)
        return refuse(ret_why, 400, "the body's length is stated more than once");
    if (encodings && request->version_minor == 0)
        return refuse(ret_why, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (encodings && !text_equal_nocase(encoding, TEXT("chunked")))
        return refuse(ret_why, 501, "the only Transfer-Encoding understood is chunked");
    if (lengths && (!text_to_u64(length, &request->content_length) ||
                    request->content_length == UINT64_MAX)) /* which says "chunked" here */
        return refuse(ret_why, 400, "Content-Length is not one number");
    if (encodings)
        request->content_length = UINT64_MAX;
    request->has_body = request->content_length > 0;
    return 0;
}

static int judge_target(struct http_request *request, struct arena *arena,
                        struct http_refusal *ret_why)
{
    size_t hosts;
    struct text host = only_field(request, TEXT("Host"), &hosts);
    if (hosts > 1 || (hosts == 0 && request->version_minor > 0))
        return refuse(ret_why, 400, "there must be one Host field");
    if (hosts) {
        request->host = http_host_normalise(arena, host);
        if (!request->host.data)
            return refuse(ret_why, 400, "Host is not a name with an optional port");
    }
    struct http_target target;
    if (!http_target_parse(arena, request->target, &target, ret_why))
        return -1;
    if (target.is_asterisk && request->method != HTTP_METHOD_OPTIONS)
        return refuse(ret_why, 400, "the target * is for OPTIONS only");
    if (target.authority.data &&
        (!hosts || !text_equal(http_host_normalise(arena, target.authority), request->host)))
        return refuse(ret_why, 400, "the target names another host than Host does");
    request->path = target.path;
    request->query = target.query;
    return 0;
}

/* RFC 9112 9.3 */
static bool wants_to_stay(const struct http_request *request)
{
    bool closes = false, keeps = request->version_minor > 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!text_equal_nocase(request->fields[i].name, TEXT("Connection")))
            continue;
        closes |= http_list_has(request->fields[i].value, TEXT("close"));
        keeps |= http_list_has(request->fields[i].value, TEXT("keep-alive"));
    }
    return keeps && !closes;
}

/* Without llhttp where that is enough: an origin form, and fields of the usual shape. */
static int read_fields(struct text header, size_t line_bytes, size_t lines, struct arena *arena,
                       struct http_request *request, struct http_refusal *ret_why)
{
    struct http_field *fields = arena_alloc(arena, (lines + 1) * sizeof *fields);
    if (!fields)
        return refuse(ret_why, 503, "out of memory for one request");
    request->fields = fields;
    if (text_starts(request->target, TEXT("/")) &&
        http_header_read_plain(text_from(header, line_bytes), lines, fields))
        return 0;
    return http_header_read_fields(header, HTTP_HEADER_OF_REQUEST, lines, fields, ret_why);
}

static int read_header(struct text header, size_t lines, const struct http_limits *limits,
                       struct arena *arena, struct http_request *request,
                       struct http_refusal *ret_why)
{
    struct text own = arena_text(arena, header);
    if (!own.data)
        return refuse(ret_why, 503, "out of memory for one request");
    struct text line = {own.data,
                        (size_t)((const char *)memchr(own.data, '\r', own.size) - own.data)};
    if (read_request_line(line, limits, request, ret_why) < 0 ||
        read_fields(own, line.size + 2, lines - 1, arena, request, ret_why) < 0)
        return -1;
    request->field_count = lines - 1;
    if (judge_framing(request, ret_why) < 0 || judge_target(request, arena, ret_why) < 0)
        return -1;
    request->keeps_alive = wants_to_stay(request);
    return 1;
}

int http_parser_read(struct http_parser *parser, struct text bytes,
                     const struct http_limits *limits, struct arena *arena,
                     struct http_request *ret, size_t *ret_consumed, struct http_refusal *ret_why)
{
    size_t size = 0, skipped = leading_empty_bytes(bytes);
    if (bytes.size - skipped < 2)
        return 0; /* CR alone may yet become an empty line */
    struct text message = text_from(bytes, skipped);
    int found = http_header_find_end(parser, message, limits, &size, ret_why);
    if (found <= 0)
        return found;
    if (parser->lines == 0)
        return refuse(ret_why, 400, "empty lines instead of a request");
    struct http_request request = {0};
    found =
        read_header(text_make(message.data, size), parser->lines, limits, arena, &request, ret_why);
    if (found > 0) {
        *ret = request;
        *ret_consumed = skipped + size;
    }
    return found;
}
