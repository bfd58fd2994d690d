// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/accounts.h"
#include "state/operation.h"
#include "state/outcome.h"
#include "state/passkeys.h"
#include "state/requests.h"

/*
 * batch: some operations on their way: build one, submit it, hear once when all are durable or
 * refused.
 *
 *     struct batch_author author = {.account = id, .client = client, .now_ms = now};
 *     struct batch *batch = batch_new(state, &author);
 *     batch_star(batch, subject, true);
 *     batch_submit(&batch, done, context);
 *
 * The author can only change their own state, except is_operator (admin pages, control socket)
 * with batch_for(). Building never fails: what is wrong becomes that operation's outcome.  Texts
 * are copied.
 */
struct state;
struct batch;

struct batch_author {
    struct uid account;
    struct text client; /* OpenSubsonic c=, or "player"; at most 64 bytes count */
    int64_t now_ms;
    struct text
        proof; /* goes with its operations (operation.h); empty but for visitors of an edge */
    bool is_unproven; /* a visitor without one: only their sessions are taken, for nobody would
                         believe this node the rest */
    bool is_operator; /* may write authoritative kinds, and for other accounts */
};

/*
 * Called exactly once on the state's loop, never from inside batch_submit().  outcomes[i] belongs
 * to the i-th operation; `whole` is the worst of them.  Everything is gone after it returns.
 */
struct batch_result {
    enum outcome whole;
    size_t count;
    const struct batch_outcome {
        uint64_t seq;
        enum outcome outcome;
        const char *why; /* static words or NULL */
    } * outcomes;
};
typedef void batch_done(void *context, const struct batch_result *result);

enum { BATCH_MAX_OPERATIONS = 1000 };

struct batch *batch_new(struct state *state, const struct batch_author *author) MUST_USE;
void batch_free(struct batch **batch); /* throws it away unsent */
void batch_submit(struct batch **batch, batch_done *done,
                  void *context); /* takes it over; `done` may be NULL */
/* When one of them is refused before it is durable, so are all, with its outcome. */
void batch_all_or_none(struct batch *batch);
/* Operations after this are for that account (is_operator only). */
void batch_for(struct batch *batch, struct uid account);

/*
 * The body of POST /ops: {"device": uid, "operations": [{"seq", "hlc", "kind", "payload"}]}.
 * False with a reason, adding nothing, when the body as a whole is not of that form or over a
 * limit.
 */
bool batch_json(struct batch *batch, struct text json, const char **ret_why) MUST_USE;

/*
 * An operation that another node accepted, as it stamped it; texts are copied.  Whether that node
 * may is the caller's to judge: with an outcome other than ACCEPTED it is only told.
 */
void batch_forwarded(struct batch *batch, const struct operation *operation, enum outcome outcome,
                     const char *why);

/* --- a listener's own --- */
void batch_star(struct batch *batch, struct subject subject, bool is_starred);
void batch_rating(struct batch *batch, struct subject subject, unsigned stars);
struct play {
    struct subject track, album; /* album.kind[0] 0: unknown */
    const struct subject *artists;
    size_t artist_count;
    int64_t at_ms; /* when it was played; part of its id: the same play twice is one */
};
void batch_play(struct batch *batch, const struct play *play);
void batch_setting(struct batch *batch, struct text name,
                   struct text json_value); /* empty value unsets */
void batch_queue(struct batch *batch, const struct subject *tracks, size_t count, size_t current,
                 int64_t position_ms);
void batch_bookmark(struct batch *batch, struct subject subject, int64_t position_ms,
                    struct text comment);
void batch_bookmark_delete(struct batch *batch, struct subject subject);

/* Returns the new playlist's id. */
struct uid batch_playlist_create(struct batch *batch, struct text name,
                                 const struct subject *tracks, size_t count);
/* Texts with data NULL and is_public NULL leave that as it is. */
void batch_playlist_change(struct batch *batch, struct uid id, struct text name,
                           struct text comment, const bool *is_public);
void batch_playlist_append(struct batch *batch, struct uid id, const struct subject *tracks,
                           size_t count);
void batch_playlist_remove_at(struct batch *batch, struct uid id, const size_t *indices,
                              size_t count);
/* createPlaylist with playlistId: the songs become exactly these. */
void batch_playlist_replace(struct batch *batch, struct uid id, const struct subject *tracks,
                            size_t count);
void batch_playlist_delete(struct batch *batch, struct uid id);

struct uid batch_share_create(struct batch *batch, const struct subject *subjects, size_t count,
                              struct text description, int64_t expires_ms);
void batch_share_change(struct batch *batch, struct uid id, struct text description,
                        int64_t expires_ms);
void batch_share_delete(struct batch *batch, struct uid id);

/* --- accounts: is_operator, or the author's own where it says so --- */
/* The name must be free (checked again when it is merged: the second of two is refused). */
struct uid batch_account_create(struct batch *batch, struct text name, struct text password_hash,
                                bool is_admin, uint64_t libraries);
/* The same without a password, for an id that was drawn before. */
void batch_account_make(struct batch *batch, struct uid id, struct text name, bool is_admin,
                        uint64_t libraries);
void batch_account_rename(struct batch *batch, struct uid id, struct text name);
void batch_account_role(struct batch *batch, struct uid id, bool is_admin);
void batch_account_libraries(struct batch *batch, struct uid id, uint64_t libraries);
void batch_account_disable(struct batch *batch, struct uid id, bool is_disabled);
void batch_account_delete(struct batch *batch,
                          struct uid id); /* its apps and sessions end with it */
void batch_password(struct batch *batch, struct uid id, struct text password_hash); /* own too */
/* own too; draws the secret, which is shown once: *ret_secret is for the person, the state keeps it
 * sealed */
struct uid batch_app_create(struct batch *batch, struct uid account, struct text label,
                            struct secret *ret_secret);
void batch_app_revoke(struct batch *batch, struct uid account, struct uid app); /* own too */
/* own too: sign-in and rotation write the whole session */
void batch_session(struct batch *batch, const struct session *session);
void batch_session_revoke(struct batch *batch, struct uid account,
                          struct uid session); /* own too */
/* own too: registration, and each use with its counter; refused when the account has enough */
void batch_passkey(struct batch *batch, const struct account_passkey *passkey);
void batch_passkey_revoke(struct batch *batch, struct uid account,
                          struct uid passkey); /* own too */

/* --- requests (state/requests.h) --- */
/* own: what is asked of the origin; returns its id */
struct uid batch_request(struct batch *batch, struct uid session, const struct account_wish *wish);
/* The origin's word, static or borrowed words in `why` when it is not done; and the end of it. */
void batch_request_decided(struct batch *batch, const struct kept_request *request, bool is_done,
                           const char *why);
void batch_request_forget(struct batch *batch, const struct kept_request *request);
