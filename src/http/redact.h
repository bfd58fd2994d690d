// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * redact: request targets and field values as they may be logged.
 *
 * The values of query parameters that carry secrets (p, t, s, apiKey, g, password, code, token; any
 * case, also with the name percent-encoded) become "[redacted]".  Quotes, backslashes, control
 * characters and bytes that are not ASCII are written \xNN, so that a log line stays one line and
 * cannot be forged.
 */
void http_redact_target(struct buffer *out, struct text target); /* also a Referer's URL */
void http_escape_for_log(struct buffer *out, struct text value);
