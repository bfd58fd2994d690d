// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "drills/null_server.h"
#include "http/message.h"

/* null_answers: what null_server says to each request.  Pure. */
struct null_answer {
    unsigned status;
    const char *type;
    uint64_t zeros;      /* a body of so many zeros, instead of `json` */
    uint64_t zeros_from; /* of a part: where it begins, */
    uint64_t zeros_of;   /* and in how many; 0 when it is the whole */
    unsigned writes;     /* that it acknowledges */
    bool is_session;     /* somebody signed in */
};

/* `json` (empty at first) gets the body unless the answer is made of zeros. */
struct null_answer null_answer(const struct null_server_config *config,
                               const struct http_request *request, struct text body, int64_t now_ms,
                               struct arena *arena, struct buffer *json);
