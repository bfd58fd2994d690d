// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/renewal.h"

#include "api/inside.h"
#include "api/island.h"
#include "api/nodes.h"
#include "api/speaks.h"
#include "state/accounts.h"
#include "state/state.h"
#include "trust/dpop.h"
#include "trust/node_list.h"
#include "trust/opener.h"
#include "trust/token.h"

#include <string.h>

void renewal_write(struct uid session, struct text dpop, struct text token, struct buffer *out)
{
    if (RENEWAL_HEAD_BYTES + dpop.size + token.size > OPERATION_MAX_PROOF_BYTES)
        return;
    buffer_byte(out, PROOF_RENEWAL);
    buffer_append(out, session.bytes, UID_BYTES);
    buffer_u16(out, (uint16_t)dpop.size);
    buffer_text(out, dpop);
    buffer_text(out, token);
}

/* --- who may say whose key it is --- */

/* Sessions that no edge opened the origin knows. */
static bool is_origins(const struct api *api, struct uid session)
{
    struct key_id id;
    memcpy(id.bytes, session.bytes + OPENER_RANDOM_BYTES, sizeof id.bytes);
    return !node_list_by_key(nodes_list(api->nodes), id);
}

/* What the origin will know is all that counts: an edge may know a session by a token alone. */
static bool is_known(const struct api *api, const struct token *token)
{
    return api_follows(api)
               ? is_origins(api, token->session)
               : state_session_is_known(api->config.state, token->account, token->session);
}

/* A session that is not known lives by the word of the origin, or of the home that opened it. */
static bool is_believed(const struct api *api, const struct token *token, struct uid edge)
{
    if (uid_is_none(token->node))
        return true;
    if (uid_equal(token->node, edge) ||
        !(is_known(api, token) || opener_is(token->session, token->node)))
        return false;
    /* at the origin: a listener's homes then may be others now */
    return api_follows(api) ? island_believes(api, token->node, token->account)
                            : speaks_was_home(api, token->node, token->account);
}

static bool by_token(const struct api *api, const struct dpop_witness *witness, struct uid edge,
                     int64_t accepted_ms, struct renewal *renewal)
{
    struct token token;
    if (token_read(api->ring, renewal->token, accepted_ms / 1000, &token) != TOKEN_GOOD ||
        !uid_equal(token.session, renewal->session) || !token.is_bound ||
        !is_believed(api, &token, edge))
        return false;
    renewal->account = token.account;
    return memcmp(token.thumb.bytes, witness->thumb.bytes, sizeof token.thumb.bytes) == 0;
}

static bool by_session(const struct dpop_witness *witness, const struct session *session,
                       struct renewal *renewal)
{
    renewal->account = session->account;
    return session_is_bound(session) &&
           memcmp(session->current.bytes, witness->thumb.bytes, sizeof witness->thumb.bytes) == 0;
}

/* The origin asks what it knows first; an edge whether the origin could do without. */
static bool is_its_key(const struct api *api, const struct dpop_witness *witness, struct uid edge,
                       int64_t accepted_ms, struct renewal *renewal)
{
    const struct session *session = state_session(api->config.state, renewal->session, accepted_ms);
    bool is_enough = session && (!api_follows(api) ||
                                 (!renewal->token.size && is_origins(api, renewal->session)));
    return (!session || by_session(witness, session, renewal)) &&
           (is_enough || by_token(api, witness, edge, accepted_ms, renewal));
}

static bool had_ended(const struct api *api, const struct renewal *renewal, int64_t accepted_ms)
{
    int64_t ended_ms =
        state_session_ended_ms(api->config.state, renewal->account, renewal->session);
    return ended_ms && accepted_ms > ended_ms;
}

/* --- reading --- */

/* A signature costs a fifth of a millisecond: once for a proof that comes again and again. */
static bool read_witness(struct text dpop, struct renewal_memo *memo, struct dpop_witness *ret)
{
    if (memo && memo->dpop.size && text_equal(memo->dpop, dpop)) {
        *ret = memo->witness;
        return true;
    }
    if (!dpop_witness(dpop, TEXT("POST"), TEXT(RENEWAL_PATH), ret))
        return false;
    if (memo)
        *memo = (struct renewal_memo){dpop, *ret};
    return true;
}

bool renewal_read(const struct api *api, struct text proof, struct uid edge, int64_t accepted_ms,
                  struct renewal_memo *memo, struct renewal *ret)
{
    struct reader reader = reader_of(proof);
    struct dpop_witness witness;
    uint8_t kind = reader_u8(&reader);
    struct renewal renewal = {.session = uid_read(&reader)};
    struct text dpop = reader_bytes(&reader, reader_u16(&reader));
    renewal.token = reader_bytes(&reader, reader.left);
    if (reader.failed || kind != PROOF_RENEWAL || !read_witness(dpop, memo, &witness) ||
        !uid_equal(witness.node, edge) || accepted_ms / 1000 > witness.issued_s + RENEWAL_HOLDS_S ||
        accepted_ms / 1000 < witness.issued_s - RENEWAL_HOLDS_S)
        return false;
    renewal.issued_s = witness.issued_s;
    if (!is_its_key(api, &witness, edge, accepted_ms, &renewal) ||
        had_ended(api, &renewal, accepted_ms))
        return false;
    *ret = renewal;
    return true;
}
