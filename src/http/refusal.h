// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/* refusal: why a request is not accepted: the status it deserves and a static sentence for
 * problem+json. */
struct http_refusal {
    unsigned status;
    const char *why;
};
