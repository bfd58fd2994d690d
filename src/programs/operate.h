// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/command.h"
#include "programs/operator_request.h"
#include <jansson.h>

/*
 * operate: carries out a request of the owner from a command.
 *
 * Asks the server that owns the state folder by its control socket; when none runs, opens the
 * folder itself for the moment, under its lock, and does the same there.
 */
enum operate_need {
    OPERATE_STATE,
    OPERATE_SCAN, /* the request starts a scan: without a server it is carried to its end, and its
                     status is the answer */
};

/* True with one JSON object in `answer`, which may well say "ok": false.  Else false; what went
 * wrong was printed. */
bool operate(const struct arguments *arguments, const struct operator_request *request,
             enum operate_need need, struct buffer *answer) MUST_USE;
/* For answers with data: the object, the caller's, when it says "ok": true.  NULL: what went wrong
 * was printed.  Its text, which may hold a secret, is wiped. */
json_t *operate_and_read(const struct arguments *arguments,
                         const struct operator_request *request) MUST_USE;
/* For answers without data: prints what was said, or the error on standard error. */
enum command_exit operate_and_say(const struct arguments *arguments,
                                  const struct operator_request *request);
