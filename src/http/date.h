// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * date: HTTP dates (RFC 9110 5.6.7) as Unix seconds.  We write IMF-fixdate; a recipient must also
 * read the obsolete RFC 850 and asctime forms.
 */
enum { HTTP_DATE_BYTES = 29 }; /* of what we write */

struct http_date_text {
    char digits[HTTP_DATE_BYTES + 1];
};

/* "Sun, 06 Nov 1994 08:49:37 GMT", in caller's storage, NUL-terminated. */
struct text http_date_write(struct http_date_text *storage, int64_t unix_s);

/*
 * Any of the three forms; false for anything else, also for a day that does not exist.  The weekday
 * is checked for form only.  A two-digit year is the one nearest to `now_s` that lies at most 50
 * years ahead.
 */
bool http_date_parse(struct text t, int64_t now_s, int64_t *ret_unix_s) MUST_USE;
