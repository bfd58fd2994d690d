// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "http/accept_encoding.h"

/*
 * coder: content codings made while an answer is sent (RFC 9110 8.4.1): gzip (RFC 1952) and br
 * (RFC 7932).
 *
 * Settings by measurement on lists of the OpenSubsonic API, µs of one core per answer:
 *
 *               1.6 KB          15 KB           226 KB
 *   gzip 1      25 -> 709 B     152 -> 4,674    3,100 -> 64,760
 *   gzip 6      30 -> 667 B     342 -> 4,164    6,500 -> 55,189
 *   brotli 1    15 -> 709 B      62 -> 4,575    1,400 -> 55,614      <- for those who take it
 *   brotli 4    61 -> 646 B     300 -> 4,005    3,500 -> 52,221
 *
 * What is built ahead (the player's files) is coded as small as can be, elsewhere.
 */

/* All at once: appends the coded form of `in` to `out`.  False when that overflows `out`, which
 * then holds what it held. */
bool http_code(enum http_coding coding, struct text in, struct buffer *out) MUST_USE;

/* In steps.  Holds up to about 1 MiB however long the body is. */
struct http_coder;
struct http_coder *http_coder_new(enum http_coding coding) MUST_USE; /* not identity */
void http_coder_free(struct http_coder **coder);

/*
 * Takes bytes off the front of *in and appends what comes of them to `out`, at most up to its
 * ceiling.  `ends` says that nothing follows *in.  True when *in is taken and, with `ends`, the
 * last byte is out; else make room and call again.
 */
bool http_coder_step(struct http_coder *coder, struct text *in, bool ends,
                     struct buffer *out) MUST_USE;
