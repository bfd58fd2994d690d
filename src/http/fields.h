// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * fields: the grammar inside field values (RFC 9110 5.6): tokens, lists, parameters.
 */
static inline bool http_is_token_byte(unsigned char byte); /* tchar */
bool http_is_token(struct text t);                         /* one or more of them */
bool http_field_value_is_clean(struct text t);             /* no control characters but HTAB */

/*
 * Takes the next element off a comma-separated list (5.6.1), trimmed; empty elements are skipped,
 * commas inside quoted strings do not separate.  False at the end.
 */
bool http_list_next(struct text *rest, struct text *ret_item);
/* Whether a list of tokens holds `token`, ignoring case. */
bool http_list_has(struct text list, struct text token);

/*
 * The value of parameter `name` after ';' in an element like `text/html; charset=utf-8; q=0.5`,
 * without quotes; data NULL when absent.
 */
struct text http_parameter_of(struct text element, struct text name);
/* What stands before the first ';', trimmed. */
struct text http_before_parameters(struct text element);

/* A quality value (12.4.2) in thousandths: "0.25" is 250; -1 when it is not one. */
int http_quality(struct text t);

static inline bool http_is_token_byte(unsigned char byte)
{
    /* a bit for each byte: digits, letters and !#$%&'*+-.^_`|~ */
    static const uint64_t token_bytes[4] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0};
    return token_bytes[byte / 64] >> (byte % 64) & 1;
}
