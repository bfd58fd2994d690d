// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"
#include "state/accounts.h"

/*
 * signin: proves a name and a password, without ever making the loop wait.
 *
 * An app secret in the password's place and a password proven lately are answered at once; Argon2id
 * runs on the "passwords" pool, whose bounded queue is all that a flood of sign-ins can fill.
 * Unknown names take as long as known ones.  Failures wait longer each time (api/throttle.h).
 */
struct api;

enum signin_verdict {
    SIGNIN_GOOD,
    SIGNIN_WRONG,
    SIGNIN_ELSEWHERE, /* nothing is held here to prove it by; `account` is whose home may
                         (api/island.h) */
    SIGNIN_WAIT,      /* too many failures, or the queue is full: try again in retry_after_s */
};

struct signin_result {
    enum signin_verdict verdict;
    struct uid account;
    unsigned retry_after_s;
};

/* Called exactly once, on the loop, possibly from inside signin_start(). */
typedef void signin_done(void *context, const struct signin_result *result);

/* Texts are borrowed during the call only. */
struct signin_request {
    struct text name, password;
    struct text device; /* what the browser sent as its device cookie; TEXT_NONE */
    bool secrets_too;   /* an app secret is taken for the password (OpenSubsonic) */
};
void signin_start(struct api *api, const struct exchange *exchange,
                  const struct signin_request *request, signin_done *done, void *context);
