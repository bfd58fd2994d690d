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
 * llhttp checks the whole; gives its `lines` fields, borrowing from `header`, listed in the arena.
 * 0, or -1 refused.
 */
int http_header_read_fields(struct text header, enum http_header_of of, size_t lines,
                            struct arena *arena, const struct http_field **ret_fields,
                            struct http_refusal *ret_why) MUST_USE;
