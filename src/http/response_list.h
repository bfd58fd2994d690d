// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/response.h"

/*
 * response_list: a decoded HTTP/2 header list becomes a response (RFC 9113 8.2, 8.3.2), as strictly
 * as header_list makes a request of one: names in lower case, clean values, nothing that is of one
 * connection, :status once and first, at most one Content-Length.
 *
 *   http_response_list_init ─▶ _add (once per field) ─▶ _finish ─▶ struct http_response
 *
 * Past a limit nothing more is kept, only counted; _finish then refuses.  Everything lives in the
 * arena.
 */
struct http_response_list {
    struct arena *arena;
    struct http_field *fields;
    size_t count, capacity;
    size_t size_bytes; /* as RFC 9113 6.5.2 counts */
    unsigned status;   /* 0: none was said */
    bool is_oversize, is_malformed;
};

void http_response_list_init(struct http_response_list *list, struct arena *arena);
/* Copies both. */
void http_response_list_add(struct http_response_list *list, struct text name, struct text value,
                            const struct http_limits *limits);
/*
 * `asked` is the method of the request, `ends_here`: no DATA follows.  A body of unknown length is
 * HTTP_BODY_CHUNKED: its end is marked, and a cut shows.  False with *ret_why: the stream cannot be
 * trusted.
 */
bool http_response_list_finish(struct http_response_list *list, enum http_method asked,
                               bool ends_here, struct http_response *ret,
                               const char **ret_why) MUST_USE;
