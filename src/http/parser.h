// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/message.h"
#include "http/refusal.h"

/*
 * parser: the header of one HTTP/1 request (RFC 9112), strictly.
 *
 * llhttp reads the grammar, but for headers that are plainly right (header_plain.c); before and
 * after it we refuse what different readers read differently,
 * since every such difference is a way to smuggle a request past somebody: bare CR or LF, NUL,
 * folded fields, white space before a colon, HTTP/1.0 with Transfer-Encoding, any Transfer-Encoding
 * but "chunked", both framings at once, repeated or listed Content-Length, a missing (1.1) or
 * repeated Host, an absolute target that disagrees with Host.
 *
 * Bytes may come in any pieces: give the whole message so far each time, from its first byte.
 */
struct http_parser {
    size_t line_start, scanned, lines; /* how far the search for the end has come */
};

struct http_limits {
    size_t max_header_bytes; /* request line and fields; more is 431 */
    size_t max_fields;       /* more is 431 */
    size_t max_target_bytes; /* more is 414 */
    bool takes_any_method;   /* not only those we know; never CONNECT */
};

void http_parser_init(struct http_parser *parser);

/*
 * Returns 1 with *ret and *ret_consumed set when the header is whole; 0 when more bytes are needed;
 * -1 with *ret_why when the request is refused, after which nothing on that connection can be
 * trusted. The texts in *ret live in the arena, not in `bytes`.
 */
int http_parser_read(struct http_parser *parser, struct text bytes,
                     const struct http_limits *limits, struct arena *arena,
                     struct http_request *ret, size_t *ret_consumed,
                     struct http_refusal *ret_why) MUST_USE;
