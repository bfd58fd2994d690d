// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/revocations.h"
#include "state/subject.h"
#include "trust/refresh.h"
#include "trust/secret.h"

#include <stdatomic.h>

/*
 * accounts: who may sign in, with which app secrets and sessions.  Reads only, from memory, on
 * the state's loop; changes go through state/batch.h.  What is returned is borrowed and valid
 * until the loop's next turn.
 */
struct state;

#define ACCOUNT_ALL_LIBRARIES UINT64_MAX

struct account {
    struct uid id;
    struct text name;          /* unique without regard to ASCII case */
    struct text password_hash; /* trust/password.h; empty: no password sign-in */
    uint64_t libraries;        /* bit (id - 1) for musicFolder id 1 to 64 */
    int64_t created_ms;
    bool is_admin, is_disabled;
};

struct app {
    struct uid id, account;
    struct text label;
    struct secret_index index;
    struct secret_sealed sealed;
    int64_t created_ms;
    int64_t last_used_ms; /* in memory only, see state_app_used(); 0: not since the start */
};

struct session {
    struct uid id, account;
    struct text label;
    struct refresh_hash current, previous; /* both the key's thumb: bound to it, see below */
    int64_t rotated_ms, created_ms, expires_ms;
    int64_t used_ms; /* in memory only; 0: not since the start */
};

/* A session bound to a browser's key has its thumb (trust/token.h) in place of both hashes, which
 * never are the same otherwise. */
bool session_is_bound(const struct session *session);

/* A disabled account is returned too: the caller looks at is_disabled.  NULL when there is none. */
const struct account *state_account(const struct state *state, struct uid id);
const struct account *state_account_by_name(const struct state *state, struct text name);
size_t state_account_count(const struct state *state);
/* Walks in no order: start with *cursor 0; NULL at the end. */
const struct account *state_account_next(const struct state *state, size_t *cursor);

int64_t state_password_set_ms(const struct state *state, struct uid id); /* 0: it has none */

const struct app *state_app(const struct state *state, struct uid id);
const struct app *state_app_by_index(const struct state *state, const struct secret_index *index);
/* The apps of one account, oldest first; at most ACCOUNT_MAX_APPS. */
enum { ACCOUNT_MAX_APPS = 64, ACCOUNT_MAX_SESSIONS = 256 };
const struct app *state_app_next(const struct state *state, struct uid account, size_t *cursor);
void state_app_used(struct state *state, struct uid id, int64_t now_ms);

/*
 * From any thread: a number that is another one after each change of the account or of one of its
 * sessions or apps (several accounts may share it).  What was learnt about them on the state's loop
 * after the number was read holds, on every thread, while it stays the same.  Lives as long as the
 * state.
 */
const atomic_uint *state_account_mark(const struct state *state, struct uid account);

/* NULL when never there, revoked, or expired by `now_ms`. */
const struct session *state_session(const struct state *state, struct uid id, int64_t now_ms);
/* Whether there is, or was, a session of this id: also one that ended. */
bool state_session_is_known(const struct state *state, struct uid account, struct uid id);
/* When it was ended before its time, Unix ms; 0: it was not. */
int64_t state_session_ended_ms(const struct state *state, struct uid account, struct uid id);
/* Of one account, in no order; they may end while one goes through them. */
const struct session *state_session_next(const struct state *state, struct uid account,
                                         size_t *cursor);
void state_session_used(struct state *state, struct uid id, int64_t now_ms);

/* Whether one of this id is among these, whoever's it was: looks through what was revoked. */
bool state_session_has_ended(const struct state *state, struct uid id);
/*
 * Everything that ended before its time: revoked sessions and apps, and the sessions of accounts
 * that are disabled or gone.  Start with a cursor of zeros; some may be over already.  The version
 * is another one after each change.
 */
struct revocation_cursor {
    size_t listed, sessions;
};
bool state_revocation_next(const struct state *state, struct revocation_cursor *cursor,
                           struct revocation *ret);
uint64_t state_revocations_version(const struct state *state);
