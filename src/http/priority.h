// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * priority: how urgent an answer is (RFC 9218): the Priority field and PRIORITY_UPDATE's value.
 *
 *   u=0..7  urgency, 0 first; the default is 3
 *   i       incremental: the answer is of use in parts, so answers of one urgency share the line
 *
 * The value is a dictionary of RFC 8941; one that does not parse is as if it were absent
 * (RFC 9218 4), and so is a member of the wrong type or out of range.
 */
enum { HTTP_URGENCY_DEFAULT = 3, HTTP_URGENCY_LAST = 7 };

struct http_priority {
    uint8_t urgency;
    bool is_incremental;
    bool has_urgency; /* it was said, so it is not ours to choose */
};

static inline struct http_priority http_priority_default(void)
{
    return (struct http_priority){.urgency = HTTP_URGENCY_DEFAULT};
}

/* False, with the default in *ret, when the whole is no dictionary. */
bool http_priority_parse(struct text value, struct http_priority *ret);
