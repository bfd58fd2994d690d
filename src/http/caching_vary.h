// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"

/*
 * caching_vary: which of the responses to one URL fits a request (RFC 9111 4.1).
 *
 * What Vary names is written, request by request, as a *selector*: equal selectors, equal answers.
 * It is normalised where the field's meaning allows: names and order of Vary's list, white space,
 * several lines of one field, case and order and weights of Accept-Encoding and Accept-Language.
 */

/* Appends the names in Vary, lower case, sorted, each once, "a,b"; false when it holds "*". */
bool caching_vary_names(struct caching_fields response, struct buffer *out) MUST_USE;

/*
 * Where the language alone decides, an answer in the language that a request prefers to all others
 * fits it, whatever else either request would have taken: the origin has that language.  TEXT_NONE:
 * none, or several alike; borrowed.
 */
struct text caching_preferred_language(struct caching_fields request);
struct text caching_language_of(struct caching_fields response);

/* Appends what the request says under those names (as written by caching_vary_names()). */
void caching_selector_write(struct text names, struct caching_fields request, struct buffer *out);
