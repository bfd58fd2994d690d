// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * escape: percent-decoding of what arrives (RFC 3986 2.1); encoding is base/encode's.
 */
enum http_unescape {
    HTTP_UNESCAPE_PATH, /* "%2f" stays, written "%2F": it is data, not a separator */
    HTTP_UNESCAPE_FORM, /* and '+' is a space (WHATWG URL 5.1) */
};

/* Nothing to decode or to refuse, which is the usual case. */
bool http_is_unescaped(struct text encoded, enum http_unescape kind);

/*
 * Decodes into `out`, which holds at least `encoded.size` bytes and may not overlap.  Returns the
 * size, or SIZE_MAX for an escape that is not two hex digits and for a NUL, escaped or not.
 */
size_t http_unescape(struct text encoded, enum http_unescape kind, char *out) MUST_USE;
