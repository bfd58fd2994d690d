// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * accept_encoding: which of the codings that we hold a client gets (RFC 9110 12.5.3).
 */
enum http_coding { HTTP_CODING_IDENTITY, HTTP_CODING_GZIP, HTTP_CODING_BROTLI, HTTP_CODING_COUNT };

const char *http_coding_name(enum http_coding coding); /* "gzip", "br"; "identity" */

/*
 * The coding of highest quality among those with `available[coding]` true; among equals brotli
 * before gzip before identity.  Identity must be available and is the answer when nothing else is
 * acceptable, also to a client that refuses it: an answer it can read serves it better than a 406.
 * `value` has data NULL when the field is absent.
 */
enum http_coding http_coding_choose(struct text value, const bool available[HTTP_CODING_COUNT]);
