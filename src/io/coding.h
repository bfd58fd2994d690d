// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/accept_encoding.h"
#include "io/exchange.h"

/*
 * coding: answers that handlers build are coded on their way out (http/coder.h).  Internal to io/.
 *
 * Coded are 200 answers of text types (text, JSON, XML, SVG) from coding_min_bytes on, when the
 * client takes it.  Up to coding_step_bytes they are coded at once; larger ones in steps of that
 * size, each when the client has taken the one before and with other connections in between, so no
 * answer holds the loop longer than a step.  At most max_coded_streams are under way in steps; more
 * go as they are.
 *
 * Never coded, because the length of a packed secret tells about it to who may add words (BREACH):
 *   - what the handler called exchange_keep_identity() for: it holds a secret;
 *   - answers to requests with a Cookie or with Authorization: Basic, and answers that set a
 *     cookie: only there does a foreign page get to ask in the listener's name.
 * Nor what has a coding, a request for ranges, and what is streamed (events, pipes).
 */
struct answer_stream;

/* Which coding this answer gets; adds Vary when another client could have got another. */
enum http_coding coding_choose(struct exchange *exchange, unsigned status,
                               struct text content_type);
/* It is small enough to be coded at once. */
bool coding_is_small(const struct exchange *exchange);
/* The coded form of the output, at once; data NULL when it would not be smaller. */
struct text coding_apply(struct exchange *exchange, enum http_coding coding);
/* Makes the output the source of a stream.  False when too many are under way. */
bool coding_start(struct exchange *exchange, enum http_coding coding);
/* One more step into stream.bytes, which is empty.  Sets has_ended after the last. */
void coding_step(struct exchange *exchange);
void coding_stop(struct exchange *exchange); /* not started is fine */
