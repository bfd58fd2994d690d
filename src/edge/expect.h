// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/response.h"

/*
 * expect: what a good answer looks like, for origins that send their error pages with status 200.
 *
 * A rule is a line, of a path's beginning and what is expected of 200 and 206 below it:
 *
 *     /m/ type=audio/ min=1000 without=<html
 *
 *     type=     Content-Type without its parameters; "audio/" is any of its kind
 *     min=      bytes that a whole body has at least
 *     without=  bytes that do not stand within the first EXPECT_BYTES of a whole body
 *
 * Of the rules that apply the one with the longest beginning counts.  What is not as expected is no
 * answer: something stale helps, and nothing is stored.  Of a part only the type is looked at.
 */
enum { EXPECT_BYTES = 64 << 10, EXPECT_RULES_MAX = 64 };

struct expect_rule {
    struct text path, type, without; /* TEXT_NONE: anything */
    uint64_t min_bytes;
};

/* Borrows from the line; false for one that is no rule. */
bool expect_parse(struct text line, struct expect_rule *ret) MUST_USE;
/* The rule for a target, or NULL. */
const struct expect_rule *expect_for(const struct expect_rule *rules, size_t count,
                                     struct text target);

/* `body`: what there is of it, at most EXPECT_BYTES looked at; `is_whole`: and no more comes. */
bool expect_holds(const struct expect_rule *rule, const struct http_response *response,
                  struct text body, bool is_whole) MUST_USE;
