// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/response.h"

#include "http/fields.h"
#include "http/header.h"

#include <string.h>

static int refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return -1;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* HTTP-version SP 3DIGIT [SP reason] (RFC 9112 4); the last space is often forgotten. */
static int read_status_line(struct text line, struct http_response *response, const char **ret_why)
{
    const char *at = line.data;
    if (line.size < 12 || !text_starts(line, TEXT("HTTP/1.")) || at[8] != ' ')
        return refuse(ret_why, "the answer does not begin with HTTP/1");
    if (at[7] != '0' && at[7] != '1')
        return refuse(ret_why, "the answer is of an HTTP version that is not spoken here");
    if (!is_digit(at[9]) || !is_digit(at[10]) || !is_digit(at[11]) ||
        (line.size > 12 && at[12] != ' '))
        return refuse(ret_why, "the status is not three digits");
    response->version_minor = (unsigned)(at[7] - '0');
    response->status =
        (unsigned)(at[9] - '0') * 100 + (unsigned)(at[10] - '0') * 10 + (unsigned)(at[11] - '0');
    if (response->status < 100 || response->status > 599)
        return refuse(ret_why, "the status is none of 100 to 599");
    return 0;
}

/* The only field of that name; *ret_count says how many there are. */
static struct text only_field(const struct http_response *response, struct text name,
                              size_t *ret_count)
{
    struct text value = TEXT_NONE;
    *ret_count = 0;
    for (size_t i = 0; i < response->field_count; i++) {
        if (text_equal_nocase(response->fields[i].name, name)) {
            value = response->fields[i].value;
            ++*ret_count;
        }
    }
    return value;
}

static bool never_has_body(unsigned status, enum http_method asked)
{
    return asked == HTTP_METHOD_HEAD || status < 200 || status == 204 || status == 304;
}

/* RFC 9112 6.3, with no room for two opinions. */
static int judge_framing(struct http_response *response, enum http_method asked,
                         const char **ret_why)
{
    size_t lengths, encodings;
    struct text length = only_field(response, TEXT("Content-Length"), &lengths);
    struct text encoding = only_field(response, TEXT("Transfer-Encoding"), &encodings);
    response->content_length = UINT64_MAX;
    if (lengths > 1 || encodings > 1 || (lengths && encodings))
        return refuse(ret_why, "the body's length is stated more than once");
    if (encodings && response->version_minor == 0)
        return refuse(ret_why, "HTTP/1.0 has no Transfer-Encoding");
    if (encodings && !text_equal_nocase(encoding, TEXT("chunked")))
        return refuse(ret_why, "the only Transfer-Encoding understood is chunked");
    if (lengths && !text_to_u64(length, &response->content_length))
        return refuse(ret_why, "Content-Length is not one number");
    if (response->content_length == UINT64_MAX && lengths)
        return refuse(ret_why, "Content-Length is not one number");
    if (response->status < 200 && encodings)
        return refuse(ret_why, "an interim answer states a body");
    if (never_has_body(response->status, asked) || response->content_length == 0)
        response->framing = HTTP_BODY_NONE;
    else if (encodings)
        response->framing = HTTP_BODY_CHUNKED;
    else
        response->framing = lengths ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    return 0;
}

/* RFC 9112 9.3 */
static bool may_stay(const struct http_response *response)
{
    bool closes = response->framing == HTTP_BODY_UNTIL_CLOSE, keeps = response->version_minor > 0;
    for (size_t i = 0; i < response->field_count; i++) {
        if (!text_equal_nocase(response->fields[i].name, TEXT("Connection")))
            continue;
        closes |= http_list_has(response->fields[i].value, TEXT("close"));
        keeps |= http_list_has(response->fields[i].value, TEXT("keep-alive"));
    }
    return keeps && !closes;
}

static int read_header(struct text header, size_t lines, enum http_method asked,
                       struct arena *arena, struct http_response *response, const char **ret_why)
{
    struct http_refusal refusal;
    struct text own = arena_text(arena, header);
    if (!own.data)
        return refuse(ret_why, "the answer's header does not fit");
    size_t line_size = (size_t)((const char *)memchr(own.data, '\r', own.size) - own.data);
    if (read_status_line(text_make(own.data, line_size), response, ret_why) < 0)
        return -1;
    if (response->status == 101)
        return refuse(ret_why, "the answer changes the protocol, which was not asked");
    struct http_field *fields = arena_alloc(arena, lines * sizeof *fields);
    if (!fields)
        return refuse(ret_why, "the answer's header does not fit");
    if (http_header_read_fields(own, HTTP_HEADER_OF_RESPONSE, lines - 1, fields, &refusal) < 0)
        return refuse(ret_why, refusal.why);
    response->fields = fields;
    response->field_count = lines - 1;
    if (judge_framing(response, asked, ret_why) < 0)
        return -1;
    response->keeps_alive = may_stay(response);
    return 1;
}

int http_response_read(struct http_parser *parser, struct text bytes,
                       const struct http_limits *limits, enum http_method asked,
                       struct arena *arena, struct http_response *ret, size_t *ret_consumed,
                       const char **ret_why)
{
    size_t size = 0;
    struct http_refusal refusal;
    int found = http_header_find_end(parser, bytes, limits, &size, &refusal);
    if (found < 0)
        return refuse(ret_why, refusal.status == 414 ? "the status line is too long" : refusal.why);
    if (found == 0)
        return 0;
    if (parser->lines == 0)
        return refuse(ret_why, "the answer begins with an empty line");
    struct http_response response = {0};
    found =
        read_header(text_make(bytes.data, size), parser->lines, asked, arena, &response, ret_why);
    if (found > 0) {
        *ret = response;
        *ret_consumed = size;
    }
    return found;
}

struct text http_response_field(const struct http_response *response, struct text name)
{
    for (size_t i = 0; i < response->field_count; i++)
        if (text_equal_nocase(response->fields[i].name, name))
            return response->fields[i].value;
    return TEXT_NONE;
}

/* --- trailers --- */

static bool may_trail(struct text name)
{
    static const struct text never[] = {
        TEXT_INIT("Content-Length"), TEXT_INIT("Transfer-Encoding"), TEXT_INIT("Host"),
        TEXT_INIT("Connection"),     TEXT_INIT("Trailer"),           TEXT_INIT("Content-Encoding"),
        TEXT_INIT("Content-Type"),   TEXT_INIT("Content-Range"),     TEXT_INIT("Set-Cookie"),
        TEXT_INIT("Cache-Control"),  TEXT_INIT("Expires"),           TEXT_INIT("Age"),
        TEXT_INIT("Vary"),           TEXT_INIT("Upgrade"),           TEXT_INIT("Keep-Alive"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        if (text_equal_nocase(name, never[i]))
            return false;
    return true;
}

int http_trailers_read(struct text lines, const struct http_limits *limits, struct arena *arena,
                       const struct http_field **ret_fields, size_t *ret_count,
                       const char **ret_why)
{
    static const struct text before = TEXT_INIT("HTTP/1.1 200 OK\r\n"), after = TEXT_INIT("\r\n");
    size_t count = 0, size = before.size + lines.size + after.size;
    struct http_refusal refusal;
    *ret_fields = NULL;
    *ret_count = 0;
    if (lines.size == 0)
        return 0;
    char *whole = arena_alloc(arena, size);
    for (size_t i = 0; i < lines.size; i++)
        count += lines.data[i] == '\n';
    struct http_field *fields = arena_alloc(arena, (count + 1) * sizeof *fields);
    if (!whole || !fields || count > limits->max_fields)
        return refuse(ret_why, "the trailers do not fit");
    memcpy(whole, before.data, before.size);
    memcpy(whole + before.size, lines.data, lines.size);
    memcpy(whole + before.size + lines.size, after.data, after.size);
    if (http_header_read_fields(text_make(whole, size), HTTP_HEADER_OF_RESPONSE, count, fields,
                                &refusal) < 0)
        return refuse(ret_why, refusal.why);
    for (size_t i = 0; i < count; i++)
        if (may_trail(fields[i].name))
            fields[(*ret_count)++] = fields[i];
    *ret_fields = fields;
    return 0;
}

/* --- the body --- */

void http_body_init(struct http_body *body, const struct http_response *response)
{
    *body = (struct http_body){.framing = response->framing};
    if (body->framing == HTTP_BODY_LENGTH)
        body->left = response->content_length;
    http_chunked_init(&body->chunked);
}

static struct text take(struct text *input, uint64_t most)
{
    struct text piece = {input->data, input->size < most ? input->size : (size_t)most};
    *input = text_from(*input, piece.size);
    return piece;
}

int http_body_next(struct http_body *body, struct text *input, struct text *ret_piece)
{
    *ret_piece = TEXT_NONE;
    switch (body->framing) {
    case HTTP_BODY_NONE:
        return 1;
    case HTTP_BODY_LENGTH:
        *ret_piece = take(input, body->left);
        body->left -= ret_piece->size;
        return body->left == 0;
    case HTTP_BODY_CHUNKED:
        return http_chunked_piece(&body->chunked, input, ret_piece);
    case HTTP_BODY_UNTIL_CLOSE:
        *ret_piece = take(input, UINT64_MAX);
        break;
    }
    return 0;
}

bool http_body_may_end(const struct http_body *body)
{
    return body->framing == HTTP_BODY_NONE || body->framing == HTTP_BODY_UNTIL_CLOSE;
}
