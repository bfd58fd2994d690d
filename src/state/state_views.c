// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading: what the views say, by the names that others know them by (accounts.h, listener.h,
 * playlists.h, requests.h). */
#include "state/state.h"

#include "state/state_internal.h"

const struct account *state_account(const struct state *state, struct uid id)
{
    return accounts_by_id(state->model.accounts, id);
}

const struct account *state_account_by_name(const struct state *state, struct text name)
{
    return accounts_by_name(state->model.accounts, name);
}

size_t state_account_count(const struct state *state)
{
    return accounts_count(state->model.accounts);
}

const struct account *state_account_next(const struct state *state, size_t *cursor)
{
    return accounts_next(state->model.accounts, cursor);
}

const struct app *state_app(const struct state *state, struct uid id)
{
    return accounts_app(state->model.accounts, id);
}

const struct app *state_app_by_index(const struct state *state, const struct secret_index *index)
{
    return accounts_app_by_index(state->model.accounts, index);
}

const struct app *state_app_next(const struct state *state, struct uid account, size_t *cursor)
{
    return accounts_app_next(state->model.accounts, account, cursor);
}

void state_app_used(struct state *state, struct uid id, int64_t now_ms)
{
    accounts_app_used(state->model.accounts, id, now_ms);
}

const struct session *state_session(const struct state *state, struct uid id, int64_t now_ms)
{
    const struct session *session = accounts_session(state->model.accounts, id);
    return session && now_ms < session->expires_ms ? session : NULL;
}

int64_t state_password_set_ms(const struct state *state, struct uid id)
{
    const struct cell *cell = cells_get(state->model.cells, id, SPACE_PASSWORD, TEXT_NONE);
    return cell && cell->value.size ? clock_ms(cell->order.hlc) : 0;
}

bool state_session_is_known(const struct state *state, struct uid account, struct uid id)
{
    return cells_get(state->model.cells, account, SPACE_SESSION, uid_view(&id));
}

int64_t state_session_ended_ms(const struct state *state, struct uid account, struct uid id)
{
    const struct cell *cell = cells_get(state->model.cells, account, SPACE_SESSION, uid_view(&id));
    return cell && cell->order.is_final ? clock_ms(cell->order.hlc) : 0;
}

void state_session_used(struct state *state, struct uid id, int64_t now_ms)
{
    accounts_session_used(state->model.accounts, id, now_ms);
}

bool state_session_has_ended(const struct state *state, struct uid id)
{
    return accounts_session_has_ended(state->model.accounts, id);
}

bool state_revocation_next(const struct state *state, struct revocation_cursor *cursor,
                           struct revocation *ret)
{
    return accounts_revocation_next(state->model.accounts, cursor, ret);
}

uint64_t state_revocations_version(const struct state *state)
{
    return accounts_revocations_version(state->model.accounts);
}

const struct account_passkey *state_passkey(const struct state *state, struct uid id)
{
    return passkeys_get(state->model.passkeys, id);
}

const struct account_passkey *state_passkey_next(const struct state *state, struct uid account,
                                                 size_t *cursor)
{
    return passkeys_next(state->model.passkeys, account, cursor);
}

const struct kept_request *state_request(const struct state *state, struct uid account,
                                         struct uid id)
{
    return requests_get(state->model.requests, account, id);
}

const struct kept_request *state_request_next(const struct state *state, size_t *cursor)
{
    return requests_next(state->model.requests, cursor);
}

size_t state_request_count(const struct state *state)
{
    return requests_count(state->model.requests);
}

const atomic_uint *state_account_mark(const struct state *state, struct uid account)
{
    return accounts_mark(state->model.accounts, account);
}

const struct session *state_session_next(const struct state *state, struct uid account,
                                         size_t *cursor)
{
    return accounts_session_next(state->model.accounts, account, cursor);
}

const struct listener *state_listener(const struct state *state, struct uid account)
{
    return listeners_get(state->model.listeners, account);
}

uint64_t state_plays_total(const struct state *state, struct subject subject)
{
    return listeners_total(state->model.listeners, subject);
}

const struct playlist *state_playlist(const struct state *state, struct uid viewer, struct uid id)
{
    return playlists_get(state->model.playlists, viewer, id);
}

const struct playlist *state_playlist_next(const struct state *state, struct uid viewer,
                                           size_t *cursor)
{
    return playlists_next(state->model.playlists, viewer, cursor);
}

const struct share *state_share(const struct state *state, struct uid id)
{
    return playlists_share(state->model.playlists, id);
}

const struct share *state_share_next(const struct state *state, struct uid owner, size_t *cursor)
{
    return playlists_share_next(state->model.playlists, owner, cursor);
}
