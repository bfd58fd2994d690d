// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/state.h"
#include "http/range.h"

/*
 * answer: what an asking is answered with, on its client's loop.  Internal to edge/.  Each kind of
 * answer takes over the asking, and what it is given.
 */

/* answer.c: a stored response: whole, a part, or 304. */
void answer_stored(struct asking *asking, struct cache_object *object,
                   const struct cache_meta *meta, const struct stored *held);
/* Cache-Status; without a field where the arena is full: the answer is another one then. */
void answer_add_status(struct asking *asking);
/* The stored or received ones; those about a body, or its digest, only when that goes out. */
void answer_add_fields(struct exchange *exchange, const struct edge_object *object,
                       struct caching_fields fields, bool has_body, bool has_digest);

/* answer_wanted.c: what a request asks of a stored response. */
bool answer_is_not_modified(const struct asking *asking, const struct stored *stored,
                            int64_t now_s);
/* The one range that is asked for of `length` bytes; several are answered with the whole. */
enum http_range_result answer_range_of(const struct asking *asking, const struct stored *stored,
                                       uint64_t length, struct http_range *ret);
/* Whether a partial object has what a request asks for. */
bool answer_is_enough(const struct asking *asking, struct cache_object *object,
                      const struct stored *stored);

/* answer_passed.c */
void answer_relayed(struct asking *asking); /* one that is passed on as it comes */
void answer_failed(struct asking *asking);  /* a problem, or what the object's asker does then */
