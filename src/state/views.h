// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/accounts.h"
#include "state/listener.h"
#include "state/passkeys.h"
#include "state/payload.h"
#include "state/playlists.h"

/*
 * views: what the cells mean, in the form that readers want.  Internal to state/.
 *
 * A view is told each time a cell has a new value (apply), in any order of cells, and ends up the
 * same.  It copies what it keeps.  While is_loading, lists are not kept in order; settle() ends
 * that.  Values come from payload.c; one that does not read back is ignored, as if the cell were
 * empty.
 */
struct accounts;
struct accounts *accounts_new(void) MUST_USE;
void accounts_free(struct accounts **accounts);
void accounts_apply(struct accounts *accounts, struct uid id, enum space space, struct text key,
                    struct text value, int64_t changed_ms);
const struct account *accounts_by_id(const struct accounts *accounts, struct uid id);
const struct account *accounts_by_name(const struct accounts *accounts, struct text name);
size_t accounts_count(const struct accounts *accounts);
const struct account *accounts_next(const struct accounts *accounts, size_t *cursor);
const struct app *accounts_app(const struct accounts *accounts, struct uid id);
const struct app *accounts_app_by_index(const struct accounts *accounts,
                                        const struct secret_index *index);
const struct app *accounts_app_next(const struct accounts *accounts, struct uid account,
                                    size_t *cursor);
void accounts_app_used(struct accounts *accounts, struct uid id, int64_t now_ms);
const struct session *accounts_session(const struct accounts *accounts, struct uid id);
const struct session *accounts_session_next(const struct accounts *accounts, struct uid account,
                                            size_t *cursor);
void accounts_session_used(struct accounts *accounts, struct uid id, int64_t now_ms);
const atomic_uint *accounts_mark(const struct accounts *accounts, struct uid account);
bool accounts_session_has_ended(const struct accounts *accounts, struct uid id);
bool accounts_revocation_next(const struct accounts *accounts, struct revocation_cursor *cursor,
                              struct revocation *ret);
uint64_t accounts_revocations_version(const struct accounts *accounts);

struct passkeys;
struct passkeys *passkeys_new(void) MUST_USE;
void passkeys_free(struct passkeys **passkeys);
void passkeys_apply(struct passkeys *passkeys, struct uid account, enum space space,
                    struct text key, struct text value);
const struct account_passkey *passkeys_get(const struct passkeys *passkeys, struct uid id);
const struct account_passkey *passkeys_next(const struct passkeys *passkeys, struct uid account,
                                            size_t *cursor);

struct requests;
struct requests *requests_new(void) MUST_USE;
void requests_free(struct requests **requests);
void requests_apply(struct requests *requests, struct uid account, enum space space,
                    struct text key, struct text value);
const struct kept_request *requests_get(const struct requests *requests, struct uid account,
                                        struct uid id);
const struct kept_request *requests_next(const struct requests *requests, size_t *cursor);
size_t requests_count(const struct requests *requests);

struct listeners;
struct listeners *listeners_new(void) MUST_USE;
void listeners_free(struct listeners **listeners);
void listeners_apply(struct listeners *listeners, struct uid account, enum space space,
                     struct text key, struct text value, int64_t changed_ms);
/* `count` more plays, the last no earlier than last_ms; returns the sums. */
struct plays listeners_play(struct listeners *listeners, struct uid account, struct subject subject,
                            uint64_t count, int64_t last_ms);
/* Exactly so many. */
struct plays listeners_set(struct listeners *listeners, struct uid account, struct subject subject,
                           uint64_t count, int64_t last_ms);
void listeners_settle(struct listeners *listeners);
const struct listener *listeners_get(const struct listeners *listeners, struct uid account);
uint64_t listeners_total(const struct listeners *listeners, struct subject subject);

struct playlists;
struct playlists *playlists_new(void) MUST_USE;
void playlists_free(struct playlists **playlists);
void playlists_apply(struct playlists *playlists, struct uid account, enum space space,
                     struct text key, struct text value, int64_t changed_ms);
void playlists_settle(struct playlists *playlists);
const struct playlist *playlists_get(const struct playlists *playlists, struct uid viewer,
                                     struct uid id);
const struct playlist *playlists_next(const struct playlists *playlists, struct uid viewer,
                                      size_t *cursor);
/* The entries of one playlist, removed ones too, in no order. */
bool playlists_entry_next(const struct playlists *playlists, struct uid owner, struct uid id,
                          size_t *cursor, struct uid *ret_entry);
void playlists_forget(struct playlists *playlists, struct uid owner, struct uid id);
const struct share *playlists_share(const struct playlists *playlists, struct uid id);
const struct share *playlists_share_next(const struct playlists *playlists, struct uid owner,
                                         size_t *cursor);
