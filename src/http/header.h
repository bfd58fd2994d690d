// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/parser.h"

/*
 * header: what the headers of requests and responses have in common.  Inside this folder: used by
 * parser.c, which holds it, and response.c.
 */
enum http_header_of { HTTP_HEADER_OF_REQUEST, HTTP_HEADER_OF_RESPONSE };

/*
 * Looks for the empty line: 1 with the size including it, 0 more, -1 refused.  The first line is
 * held to limits->max_target_bytes and a little (414), all to max_header_bytes (431).
 */
int http_header_find_end(struct http_parser *parser, struct text bytes,
                         const struct http_limits *limits, size_t *ret_size,
                         struct http_refusal *ret_why) MUST_USE;

/*
 * Reads `count` fields and the empty line after them, borrowing from `lines`, where they have the
 * shape that nearly all have (header_plain.c).  False: let llhttp decide.
 */
bool http_header_read_plain(struct text lines, size_t count, struct http_field *fields) MUST_USE;

/*
 * llhttp checks the whole, first line and all; fills in its `lines` fields, borrowing from
 * `header`. 0, or -1 refused.
 */
int http_header_read_fields(struct text header, enum http_header_of of, size_t lines,
                            struct http_field *fields, struct http_refusal *ret_why) MUST_USE;
