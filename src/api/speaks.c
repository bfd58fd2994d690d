// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/speaks.h"

#include "api/inside.h"
#include "base/arena.h"
#include "base/encode.h"
#include "base/guard.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "state/accounts.h"
#include "state/passkeys.h"
#include "state/state.h"
#include "trust/node_list.h"
#include "trust/opener.h"
#include "trust/secret.h"
#include "trust/token.h"

#include <sodium.h>

enum { HOUR_MS = 3600 * 1000, SESSION_ARENA_BYTES = 64 << 10 };

static bool has_bytes(const struct json_node *value, struct text name, const void *bytes,
                      size_t size)
{
    uint8_t read[PASSKEY_KEY_MAX_BYTES];
    const struct json_node *text = json_tree_member(value, name);
    return json_tree_is(text, JSON_NODE_TEXT) &&
           decode_base64url(text->text, read, sizeof read) == size &&
           memcmp(read, bytes, size) == 0;
}

/* Edges give a session more time; whose key renews it they leave as it is.  Else an edge that was
 * visited once could take the visitor's session over.  One without a key has no second hash to be
 * given: with it whoever made that up would renew by a cookie (trust/refresh.h). */
static bool keeps_key(const struct session *session, const struct json_node *value)
{
    return !session ||
           (has_bytes(value, TEXT("current"), &session->current, sizeof session->current) &&
            has_bytes(value, TEXT("previous"), &session->previous, sizeof session->previous));
}

/* A session that is known already, or one that this edge opened, as its id says: so what a stolen
 * edge opens ends with it (trust/opener.h). */
static bool is_edges_session(const struct api *api, const struct node_seat *seat,
                             const struct operation *operation)
{
    const char *why;
    struct uid session;
    struct arena *arena = arena_new(SESSION_ARENA_BYTES);
    const struct json_node *value = json_tree_read(arena, operation->payload, &why);
    const struct json_node *id = json_tree_member(value, TEXT("id"));
    bool is_read = json_tree_is(id, JSON_NODE_TEXT) && uid_from_text(id->text, &session);
    bool is_theirs =
        is_read && (opener_is(session, seat->id) ||
                    (state_session_is_known(api->config.state, operation->account, session) &&
                     keeps_key(state_session(api->config.state, session, 0), value)));
    arena_free(&arena);
    return is_theirs;
}

static bool has_number(const struct json_node *value, struct text name, int64_t least, int64_t most)
{
    const struct json_node *number = json_tree_member(value, name);
    return json_tree_is(number, JSON_NODE_INTEGER) && number->integer >= least &&
           number->integer <= most;
}

static const struct account_passkey *known_passkey(const struct api *api,
                                                   const struct json_node *value)
{
    uint8_t credential[PASSKEY_CREDENTIAL_MAX_BYTES];
    const struct json_node *text = json_tree_member(value, TEXT("credential"));
    size_t size = json_tree_is(text, JSON_NODE_TEXT)
                      ? decode_base64url(text->text, credential, sizeof credential)
                      : SIZE_MAX;
    return size == SIZE_MAX ? NULL
                            : state_passkey(api->config.state,
                                            passkey_uid(text_make((const char *)credential, size)));
}

/* A passkey of theirs that signed in there: nothing of it changes but its counter and the time. */
static bool is_passkeys_use(const struct api *api, const struct operation *operation)
{
    const char *why;
    struct arena *arena = arena_new(SESSION_ARENA_BYTES);
    const struct json_node *value = json_tree_read(arena, operation->payload, &why);
    const struct account_passkey *known = known_passkey(api, value);
    const struct json_node *label = json_tree_member(value, TEXT("label"));
    bool is_use =
        known && uid_equal(known->account, operation->account) &&
        has_bytes(value, TEXT("key"), known->passkey.key, known->passkey.key_size) &&
        has_number(value, TEXT("algorithm"), known->passkey.algorithm, known->passkey.algorithm) &&
        has_number(value, TEXT("created"), known->created_ms, known->created_ms) &&
        has_number(value, TEXT("count"), known->passkey.count, UINT32_MAX) &&
        json_tree_is(label, JSON_NODE_TEXT) && text_equal(label->text, known->label);
    arena_free(&arena);
    return is_use;
}

/* Kinds that an edge may bring; the others are the origin's to decide. */
static bool is_edges_to_bring(const struct api *api, const struct node_seat *seat,
                              const struct operation *operation)
{
    enum operation_kind kind = operation_kind_from(operation->kind);
    return operation_kind_class(kind) == OPERATION_MERGEABLE || kind == KIND_APP_REVOKE ||
           kind == KIND_SESSION_REVOKE || kind == KIND_PASSKEY_REVOKE || kind == KIND_REQUEST ||
           (kind == KIND_PASSKEY && is_passkeys_use(api, operation)) ||
           (kind == KIND_SESSION && (seat->may & DELEGATED_SESSIONS) &&
            is_edges_session(api, seat, operation));
}

/* --- its own listeners --- */

struct seats {
    struct node_seat *all;
    struct uid *welcome; /* scratch */
    size_t count;
};

/* Whether it was chosen by those who were welcome then. */
static bool was_chosen(const struct seats *seats, struct uid edge, struct uid account, int64_t at_s)
{
    size_t count = 0;
    for (size_t i = 0; i < seats->count; i++) {
        const struct node_seat *seat = &seats->all[i];
        if (seat->joined_s <= at_s && (!seat->revoked_s || seat->revoked_s > at_s))
            seats->welcome[count++] = seat->id;
    }
    struct homes homes = homes_of(account, seats->welcome, count);
    return homes_has(&homes, edge);
}

/* Others that join take its listeners away, others that are revoked give it some: so it had most
 * when it joined, or after one of these. */
static bool was_ever_chosen(const struct seats *seats, const struct node_seat *edge,
                            struct uid account)
{
    bool was = was_chosen(seats, edge->id, account, edge->joined_s);
    for (size_t i = 0; !was && i < seats->count; i++)
        was = seats->all[i].revoked_s >= edge->joined_s &&
              was_chosen(seats, edge->id, account, seats->all[i].revoked_s);
    return was;
}

/* Now, when others were not heard of for long; or ever. */
bool speaks_for_own(const struct api *api, const struct node_seat *edge, struct uid account)
{
    struct homes now = node_list_homes(api_node_list(api), account);
    if (homes_has(&now, edge->id))
        return true;
    struct node_book *book = api->config.book;
    size_t count = node_book_count(book);
    struct seats seats = {.count = count};
    seats.all = mem_realloc_array(NULL, count + 1, sizeof *seats.all);
    seats.welcome = mem_realloc_array(NULL, count + 1, sizeof *seats.welcome);
    for (size_t i = 0; i < count; i++)
        node_book_at(book, i, &seats.all[i]);
    bool is_own = was_ever_chosen(&seats, edge, account);
    mem_free(seats.all);
    mem_free(seats.welcome);
    return is_own;
}

bool speaks_was_home(const struct api *api, struct uid node, struct uid account)
{
    struct node_seat seat;
    struct node_book *book = api->config.book;
    for (size_t i = 0; book && i < node_book_count(book); i++) {
        node_book_at(book, i, &seat);
        if (uid_equal(seat.id, node))
            return !seat.revoked_s && speaks_for_own(api, &seat, account);
    }
    return false;
}

/* --- visitors --- */

void speaks_mark(const struct secret *secret, struct uid node, int64_t at_ms,
                 uint8_t ret[PROOF_MARK_BYTES])
{
    static const char words[] = "sostenuto visitor 1";
    int64_t hour = at_ms / HOUR_MS; /* little-endian on every target */
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, (const uint8_t *)secret->text, SECRET_TEXT_BYTES,
                            PROOF_MARK_BYTES);
    crypto_generichash_update(&hash, (const uint8_t *)words, sizeof words);
    crypto_generichash_update(&hash, node.bytes, UID_BYTES);
    crypto_generichash_update(&hash, (const uint8_t *)&hour, sizeof hour);
    crypto_generichash_final(&hash, ret, PROOF_MARK_BYTES);
}

static bool token_proves(const struct api *api, const struct node_seat *edge,
                         const struct operation *operation)
{
    struct token token;
    struct text t = text_from(operation->proof, 1);
    return token_verify(api->ring, t, operation->accepted_ms / 1000, &token) == TOKEN_GOOD &&
           uid_equal(token.account, operation->account) && !uid_equal(token.node, edge->id) &&
           (uid_is_none(token.node) || speaks_was_home(api, token.node, token.account));
}

static bool app_proves(const struct api *api, const struct node_seat *edge,
                       const struct operation *operation)
{
    struct reader reader = reader_of(text_from(operation->proof, 1));
    struct uid id = uid_read(&reader);
    struct text mark = reader_bytes(&reader, PROOF_MARK_BYTES);
    const struct app *app = reader.failed ? NULL : state_app(api->config.state, id);
    struct secret secret;
    uint8_t expected[PROOF_MARK_BYTES];
    if (!app || !uid_equal(app->account, operation->account) ||
        !secret_unseal(api->config.keys, &app->sealed, id, &secret))
        return false;
    /* the hour may have ended between the request and its stamp */
    speaks_mark(&secret, edge->id, operation->accepted_ms, expected);
    bool proves = sodium_memcmp(expected, mark.data, PROOF_MARK_BYTES) == 0;
    speaks_mark(&secret, edge->id, operation->accepted_ms - 60 * 1000, expected);
    proves |= sodium_memcmp(expected, mark.data, PROOF_MARK_BYTES) == 0;
    secret_wipe(&secret);
    return proves;
}

static bool renewal_proves(const struct api *api, const struct node_seat *edge,
                           const struct operation *operation, struct speaks_memo *memo)
{
    struct renewal renewal;
    unsigned place = operation->account.bytes[UID_BYTES - 1] % SPEAKS_REMEMBERED;
    return renewal_read(api, operation->proof, edge->id, operation->accepted_ms,
                        &memo->renewals[place], &renewal) &&
           uid_equal(renewal.account, operation->account);
}

static bool has_proof(const struct api *api, const struct node_seat *edge,
                      const struct operation *operation, struct speaks_memo *memo)
{
    if (operation->proof.size == 0)
        return false;
    switch (operation->proof.data[0]) {
    case PROOF_TOKEN:
        return token_proves(api, edge, operation);
    case PROOF_RENEWAL:
        return renewal_proves(api, edge, operation, memo);
    case PROOF_APP:
        return app_proves(api, edge, operation);
    default:
        return false;
    }
}

static bool is_own(const struct api *api, const struct node_seat *edge, struct uid account,
                   struct speaks_memo *memo)
{
    struct speaks_answer *answer = &memo->answers[account.bytes[UID_BYTES - 1] % SPEAKS_REMEMBERED];
    if (!answer->is_known || !uid_equal(answer->account, account))
        *answer = (struct speaks_answer){account, true, speaks_for_own(api, edge, account)};
    return answer->is_own;
}

const char *speaks_why_not(const struct api *api, const struct node_seat *seat,
                           const struct operation *operation, struct speaks_memo *memo)
{
    if (!(seat->may & DELEGATED_OPERATIONS))
        return "this edge may bring no operations";
    if (!is_edges_to_bring(api, seat, operation))
        return "this is the origin's to decide";
    if (!guard_is_on(GUARD_SPEAKS) || is_own(api, seat, operation->account, memo))
        return NULL;
    if (operation_kind_from(operation->kind) == KIND_REQUEST)
        return "not this edge's listener, whose requests their homes alone keep";
    return has_proof(api, seat, operation, memo)
               ? NULL
               : "not this edge's listener, and no proof of a visit";
}
