// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"

/*
 * ended: writes that were acknowledged here and did not arrive, or of which nobody can tell: what
 * an honest answer to "where is my star?" is made of.  The newest of each listener and of all.
 *
 *     refused    the server said no, for good
 *     given up   it answered everything else, and this in no way for a day
 *     in doubt   it was sent, the answer was lost, and nothing shows whether it was done; not sent
 *                again, so at most once
 */
enum { ENDED_MAX = 5000, ENDED_MAX_OF_LISTENER = 200 };

enum ended_how { ENDED_REFUSED, ENDED_GIVEN_UP, ENDED_IN_DOUBT };

struct ended {
    struct text listener, endpoint;
    const json_t *parameters; /* {name: [value …]} */
    int64_t at_ms, now_ms;
    enum ended_how how;
    int code; /* the server's, 0 without */
};
bool ended_keep(struct book *book, const struct ended *ended);

/* What waits and what ended of one listener, the newest first; a new reference:
 * {"waiting": n, "write": [{"endpoint", "state", "created", "ended", "code", "of": [id …]} …]} */
json_t *ended_list(struct book *book, struct text listener) MUST_USE;

int64_t ended_count(struct book *book, bool is_in_doubt);
