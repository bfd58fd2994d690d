// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * chunked: decodes the chunked transfer coding (RFC 9112 7.1) of a body, strictly.
 *
 * CRLF only; a size is 1 to 16 hex digits; extensions are read over and dropped, and trailers too
 * unless somebody wants them, within small limits.  What llhttp would refuse is refused, so that
 * nobody before or behind us who reads with it sees another end than we do.
 */
struct http_chunked {
    unsigned step;       /* see chunked.c */
    uint64_t left;       /* bytes of the current chunk still to come */
    uint32_t line_bytes; /* of the current size line, or of all trailers */
    uint32_t digits;
    struct buffer *trailers; /* their lines are appended; NULL after _init: nobody wants them */
};

void http_chunked_init(struct http_chunked *chunked);

/*
 * Takes bytes off the front of *input and appends the body to `out`.  1 when the body is whole
 * (what is left of *input is the next request), 0 when more is needed, -1 when it is malformed.  A
 * body past the buffer's ceiling shows as out->overflowed.
 */
int http_chunked_decode(struct http_chunked *chunked, struct text *input,
                        struct buffer *out) MUST_USE;

/*
 * The same without a copy: takes bytes off the front of *input up to the end of one piece of body,
 * which *ret_piece borrows from it.  0 with an empty piece when all input is taken; call again
 * while the piece is not empty.
 */
int http_chunked_piece(struct http_chunked *chunked, struct text *input,
                       struct text *ret_piece) MUST_USE;
