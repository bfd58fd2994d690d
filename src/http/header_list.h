// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/message.h"
#include "http/parser.h" /* struct http_limits, struct http_refusal */

/*
 * header_list: a decoded HTTP/2 header list becomes a request (RFC 9113 8.2, 8.3).
 *
 * Single fields: names in lower case, clean values, none that is of one connection, pseudo-fields
 * known, once each and first.  The list as a whole: its size, :authority against Host, the target,
 * Content-Length, Cookie crumbs.
 *
 *   http_header_list_init ─▶ _add (once per field) ─▶ _finish ─▶ struct http_request
 *
 * Past a limit nothing more is kept, only counted; _finish then refuses.  Everything lives in the
 * arena.
 */
struct http_header_list {
    struct arena *arena;
    struct http_field *fields;
    size_t count, capacity;
    size_t size_bytes; /* as RFC 9113 6.5.2 counts: name, value and 32 for each field */
    struct text method, scheme, authority, path;
    bool is_oversize;  /* a limit, or the arena's ceiling, was passed */
    bool is_malformed; /* a field may not stand in a request, or not there */
    bool has_regular;  /* pseudo-fields come no more */
};

enum http_header_verdict {
    HTTP_HEADER_FINE,
    HTTP_HEADER_REFUSED,   /* understood and answered with ret_why->status */
    HTTP_HEADER_MALFORMED, /* a stream error, PROTOCOL_ERROR (RFC 9113 8.1.1) */
};

/* Whether a regular field, also a trailer, may stand in a request: RFC 9113 8.2.1, 8.2.2. */
bool http_header_field_is_fine(struct text name, struct text value);

void http_header_list_init(struct http_header_list *list, struct arena *arena);
/* Copies both.  A field name that is_lasting (static memory) is borrowed instead. */
void http_header_list_add(struct http_header_list *list, struct text name, bool is_lasting,
                          struct text value, const struct http_limits *limits);
/*
 * `ends_here`: no body follows.  The request has what could be read also when it is refused, for
 * the log.
 */
enum http_header_verdict http_header_list_finish(struct http_header_list *list,
                                                 const struct http_limits *limits, bool ends_here,
                                                 struct http_request *ret,
                                                 struct http_refusal *ret_why) MUST_USE;
