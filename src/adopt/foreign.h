// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

#include <jansson.h>

/*
 * foreign: questions to the foreign server, one at a time, answered before the function returns:
 * for a thread of its own, which may wait.  Always asked for JSON.
 */
struct foreign;

enum foreign_end {
    FOREIGN_OK,
    FOREIGN_ERROR,    /* it says failed, with a code */
    FOREIGN_UNSENT,   /* it cannot be reached: it has not heard of this */
    FOREIGN_AWAY,     /* no answer, or none whole: it may have heard */
    FOREIGN_NONSENSE, /* an answer that is none of OpenSubsonic's: an error page, a proxy's login */
};

/*
 * What an answer says, pure: on FOREIGN_OK and FOREIGN_ERROR the members of "subsonic-response" as
 * a new reference, and the error's code (0 without one).
 */
enum foreign_end foreign_read(struct text body, json_t **ret_response, int *ret_code) MUST_USE;

struct foreign_config {
    const char *url;     /* "http[s]://HOST[:PORT]" */
    const char *ca_file; /* NULL: the system's authorities */
    unsigned answer_ms;  /* how long an answer may take */
    unsigned requests_s; /* of the walk, at most so many in a second */
    size_t max_answer_bytes;
};
/* On the thread that will ask. NULL with words in `why`. */
struct foreign *foreign_new(const struct foreign_config *config, char *why,
                            size_t why_size) MUST_USE;
void foreign_free(struct foreign **foreign);
/* From any thread: what is under way ends as FOREIGN_AWAY, and all that follows. */
void foreign_stop(struct foreign *foreign);
bool foreign_is_stopped(const struct foreign *foreign);

/*
 * Asks `endpoint` with `query` ("id=1&…", escaped, may be empty) and who asks ("u=…&p=…").  A
 * question that changes something is a POST, which no layer below sends twice.
 */
enum foreign_end foreign_ask(struct foreign *foreign, const char *endpoint, struct text query,
                             struct text credentials, json_t **ret_response,
                             int *ret_code) MUST_USE;
enum foreign_end foreign_tell(struct foreign *foreign, const char *endpoint, struct text query,
                              struct text credentials, json_t **ret_response,
                              int *ret_code) MUST_USE;
/* Waits so that no more than requests_s are asked in a second. */
void foreign_pace(struct foreign *foreign);
