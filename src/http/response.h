// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/chunked.h"
#include "http/parser.h"

/*
 * response: an HTTP/1 response as a client reads it (RFC 9112), strictly.
 *
 * The same refusals as for requests (bare CR or LF, NUL, folded fields, both framings at once, a
 * repeated Content-Length, any Transfer-Encoding but "chunked"): a response that two readers
 * understand differently poisons a cache.  A message without either framing runs until the
 * connection ends, so nobody can tell that it was cut: HTTP_BODY_UNTIL_CLOSE says so.
 */
enum http_framing {
    HTTP_BODY_NONE, /* HEAD, 1xx, 204, 304, or a length of 0 */
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_UNTIL_CLOSE,
};

struct http_response {
    unsigned status; /* 100 to 599 */
    unsigned version_minor;
    const struct http_field *fields; /* borrowed from the arena, as all texts in it */
    size_t field_count;
    enum http_framing framing;
    uint64_t content_length; /* as stated, also where no body comes; UINT64_MAX when it is not */
    bool keeps_alive;        /* this connection may carry another request after the body */
};

/*
 * Bytes may come in any pieces: give the whole message so far each time, from its first byte, and
 * http_parser_init() before the first.  `asked` is the method of the request that is answered.
 * Returns 1 with *ret and *ret_consumed when the header is whole; 0 when more bytes are needed; -1
 * with *ret_why (a static sentence) when the connection cannot be trusted any more.  An interim
 * response (1xx) is one like others: skip it and read on; 101 is refused, we never ask to upgrade.
 */
int http_response_read(struct http_parser *parser, struct text bytes,
                       const struct http_limits *limits, enum http_method asked,
                       struct arena *arena, struct http_response *ret, size_t *ret_consumed,
                       const char **ret_why) MUST_USE;

/* The first field of that name, or TEXT_NONE. */
struct text http_response_field(const struct http_response *response, struct text name);

/* --- the body, piece by piece, without a copy --- */

struct http_body {
    enum http_framing framing;
    uint64_t left; /* of HTTP_BODY_LENGTH */
    struct http_chunked chunked;
};
void http_body_init(struct http_body *body, const struct http_response *response);

/*
 * Takes one piece off the front of *input; *ret_piece borrows it.  1 when the body is whole (the
 * piece may be its last), 0 when there may be more: call again while the piece is not empty, then
 * with more input.  -1 when it is malformed.
 */
int http_body_next(struct http_body *body, struct text *input, struct text *ret_piece) MUST_USE;
/*
 * The lines of a chunked body's trailers (chunked.h), as fields in the arena; NULL when there are
 * none.  -1 with *ret_why as above; fields that may not be trailers (framing, routing: RFC 9110
 * 6.5.1) are left out.
 */
int http_trailers_read(struct text lines, const struct http_limits *limits, struct arena *arena,
                       const struct http_field **ret_fields, size_t *ret_count,
                       const char **ret_why) MUST_USE;
/* Whether the connection's end, now, is the body's end and not a cut. */
bool http_body_may_end(const struct http_body *body);
