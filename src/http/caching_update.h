// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"

/*
 * caching_update: how stored fields come to be and change (RFC 9111 3.1, 3.2, 4.3).
 */

/* Whether a field is not kept: hop-by-hop (RFC 9110 7.6.1), named in Connection, or Cache-Status'.
 */
bool caching_field_is_kept(struct caching_fields message, struct text name) MUST_USE;
/* … and whether `no-cache="…"` or `private="…"` takes it out of what is kept. */
bool caching_field_is_stored(struct caching_fields response, const struct caching_control *control,
                             struct text name) MUST_USE;

/*
 * What tells the bytes of a response from those of every other version of its target: a strong
 * ETag; without any ETag a Last-Modified that is a minute or more before Date, which makes it
 * strong for a cache whatever the two clocks were (RFC 9110 8.8.2.2, 13.1.5).  `now_ms` stands for
 * a Date that is missing.  TEXT_NONE: nothing does.  Borrows.
 */
struct text caching_version_of(struct caching_fields response, int64_t now_ms) MUST_USE;
/* Whether a response says that it is of that version, by the same validator. */
bool caching_is_version(struct caching_fields response, struct text version) MUST_USE;

/* Whether a 304 (or HEAD's answer) speaks about that stored response (4.3.4, 4.3.5). */
bool caching_update_matches(struct caching_fields stored, struct caching_fields update) MUST_USE;

/*
 * The stored fields brought up to date (3.2): those of `update` take the place of the stored ones
 * of their name, but for the exempt ones.  Writes at most `max`; returns how many, SIZE_MAX when
 * there are more.  Borrows from both.
 */
size_t caching_update(struct caching_fields stored, struct caching_fields update,
                      struct http_field *ret, size_t max) MUST_USE;
