// SPDX-License-Identifier: GPL-3.0-or-later
/* What the renewal of a visitor's session proves to the origin, and what does not; and what an edge
 * keeps of them. */
#include "api/renewal.h"
#include "../state/fixture.h"
#include "../trust/es256_maker.h"
#include "api/inside.h"
#include "api/nodes.h"
#include "api/speaks.h"
#include "api/visits.h"
#include "base/encode.h"
#include "trust/dpop.h"
#include "trust/grant.h"
#include "trust/homes.h"
#include "trust/node_certificate.h"
#include "trust/token.h"

#include <sodium.h>
#include <time.h>

enum { EDGES = 4, NOW_S = FIXTURE_NOW_MS, HOUR_S = 3600, DAY_S = 86400 };

struct edge {
    struct node_seat seat;
    struct keyring *ring; /* what it signs with */
};

static char keys_folder[] = "/tmp/test_renewal.XXXXXX";
static struct api api;
static struct fixture state;
static struct es256_maker browser, other_browser;
static struct edge edges[EDGES], *visited, *home, *stranger;
static struct uid account, opened; /* the listener; a session that their home opened */

/* --- the service --- */

static void edge_join(struct edge *edge, unsigned number, struct ring_node *ret_node)
{
    uint8_t seed[KEYRING_SEED_BYTES], secret[INVITATION_SECRET_BYTES] = {(uint8_t)number};
    uint8_t digest[INVITATION_DIGEST_BYTES];
    struct joining_request request = {.has_secret = true, .issued_s = NOW_S};
    enum signed_verdict verdict;
    char name[16];
    int size = snprintf(name, sizeof name, "edge%u", number);
    memset(seed, (int)number, sizeof seed);
    node_key_of_seed(seed, request.key);
    invitation_digest(secret, digest);
    memcpy(request.secret, secret, sizeof secret);
    OK(node_book_invite(api.config.book, text_make(name, (size_t)size), digest, NOW_S + 60,
                        NOW_S) == NODE_BOOK_DONE &&
           node_book_join(api.config.book, &request, NOW_S + NODE_CERTIFICATE_LIFE_S, NOW_S,
                          &edge->seat) == NODE_BOOK_DONE,
       "an edge joins");
    edge->seat.may = DELEGATED_OPERATIONS | DELEGATED_SESSIONS;
    ring_node_init(ret_node, request.key);
    struct keyring *published =
        keyring_open(keyring_content(api.ring)->root, keyring_object(api.ring), NOW_S, &verdict);
    edge->ring = keyring_with_nodes(published, NULL, 0, seed);
    keyring_unref(&published);
}

static struct uid opened_by(const struct edge *edge)
{
    struct uid session = uid_random();
    memcpy(session.bytes + UID_BYTES - KEY_ID_BYTES, edge->seat.id.bytes, KEY_ID_BYTES);
    return session;
}

static void service_begin(void)
{
    struct ring_node nodes[EDGES];
    api.config.state = state.state;
    api.ring = keyring_ephemeral(NOW_S);
    for (unsigned i = 0; i < EDGES; i++)
        edge_join(&edges[i], i + 1, &nodes[i]);
    struct keyring *alone = api.ring;
    api.ring = keyring_with_nodes(alone, nodes, EDGES, NULL);
    keyring_unref(&alone);
    api.grants = grant_cache_new(16);
    api.nodes = nodes_new(&api);
    account = fixture_account(&state, "alice");
    for (unsigned i = 0; i < EDGES; i++)
        if (speaks_for_own(&api, &edges[i].seat, account))
            home = &edges[i];
        else if (!visited)
            visited = &edges[i];
        else
            stranger = &edges[i];
    opened = opened_by(home);
}

/* --- a renewal: everything about it may be wrong --- */

struct made {
    struct uid session, account; /* that the token says */
    const struct keyring *signer;
    const struct es256_maker *key, *token_key;
    struct uid nonce_of; /* none: no nonce */
    const char *method, *url;
    int64_t issued_s, token_s;
    bool is_without_token, is_of_other_session;
};

static struct made a_renewal(void)
{
    return (struct made){.session = uid_random(),
                         .account = account,
                         .signer = api.ring,
                         .key = &browser,
                         .token_key = &browser,
                         .nonce_of = visited->seat.id,
                         .method = "POST",
                         .url = "https://any.example:8443" RENEWAL_PATH,
                         .issued_s = NOW_S,
                         .token_s = NOW_S - HOUR_S};
}

static void thumb_of(const struct es256_maker *maker, struct key_thumb *ret)
{
    char x[64], y[64], whole[256];
    sodium_bin2base64(x, sizeof x, maker->key.x, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(y, sizeof y, maker->key.y, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    int size = snprintf(whole, sizeof whole,
                        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    crypto_hash_sha256(ret->bytes, (const uint8_t *)whole, (unsigned long long)size);
}

static void write_dpop(const struct made *made, struct buffer *out)
{
    uint8_t signature[ES256_SIGNATURE_BYTES];
    char x[64], y[64], part[700], nonce[100] = "";
    struct dpop_nonce given;
    sodium_bin2base64(x, sizeof x, made->key->key.x, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(y, sizeof y, made->key->key.y, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    int size = snprintf(part, sizeof part,
                        "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":"
                        "\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}}",
                        x, y);
    encode_base64url(out, part, (size_t)size);
    buffer_byte(out, '.');
    dpop_nonce_make(state.keys, made->nonce_of, made->issued_s, &given);
    (void)snprintf(nonce, sizeof nonce, ",\"nonce\":\"%s\"", given.text);
    size = snprintf(part, sizeof part,
                    "{\"jti\":\"0123456789abcdef\",\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":%lld%s}",
                    made->method, made->url, (long long)made->issued_s, nonce);
    encode_base64url(out, part, (size_t)size);
    es256_maker_sign(made->key, buffer_view(out), signature);
    buffer_byte(out, '.');
    encode_base64url(out, signature, sizeof signature);
}

static struct text make(const struct made *made, struct buffer *out)
{
    struct buffer dpop, token;
    struct token says = {.session = made->session,
                         .account = made->account,
                         .issued_s = made->token_s,
                         .expires_s = made->token_s + TOKEN_LIFE_S,
                         .is_bound = made->token_key};
    buffer_init(&dpop, DPOP_MAX_BYTES);
    buffer_init(&token, TOKEN_MAX_BYTES);
    write_dpop(made, &dpop);
    if (made->token_key)
        thumb_of(made->token_key, &says.thumb);
    if (!made->is_without_token)
        token_sign(made->signer, &says, &token);
    buffer_reset(out);
    renewal_write(made->is_of_other_session ? uid_random() : made->session, buffer_view(&dpop),
                  buffer_view(&token), out);
    buffer_release(&dpop);
    buffer_release(&token);
    return buffer_view(out);
}

/* As the origin judges a star of this listener that `visited` accepted then. */
static bool is_taken_at(struct text proof, int64_t accepted_s)
{
    struct speaks_memo memo = {0};
    const struct operation operation = {.seq = 1,
                                        .account = account,
                                        .accepted_ms = accepted_s * 1000,
                                        .kind = TEXT("star"),
                                        .payload = TEXT("{}"),
                                        .proof = proof};
    return !speaks_why_not(&api, &visited->seat, &operation, &memo);
}

static bool is_taken(const struct made *made)
{
    struct buffer out;
    buffer_init(&out, OPERATION_MAX_PROOF_BYTES);
    bool is = is_taken_at(make(made, &out), NOW_S);
    buffer_release(&out);
    return is;
}

static double cpu_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* --- claims --- */

static void what_proves(void)
{
    struct made made = a_renewal();
    OK(is_taken(&made), "a renewal by a token of the origin, at any age of the token, proves it");
    made.token_s = NOW_S - 29 * DAY_S;
    OK(is_taken(&made), "also by one that is weeks old");
    made = a_renewal();
    made.signer = home->ring;
    made.session = opened;
    OK(is_taken(&made), "and by the token of a home that opened the session, which is not known");
}

static void what_proves_nothing(void)
{
    struct uid other_account = uid_random();
    struct {
        struct made made;
        const char *claim;
    } rows[20];
    size_t count = 0;
#define BUT(change, words)          \
    rows[count].made = a_renewal(); \
    rows[count].made.change;        \
    rows[count++].claim = words
    BUT(key = &other_browser, "the key of another browser proves nothing");
    BUT(token_key = &other_browser, "nor a token of another session's key");
    BUT(token_key = NULL, "nor one of no key");
    BUT(nonce_of = stranger->seat.id, "nor a renewal at another edge");
    BUT(nonce_of = (struct uid){{0}}, "nor one that names no edge");
    BUT(method = "GET", "nor a proof of another method");
    BUT(url = "https://any.example/api/v1/session", "nor one of another request");
    BUT(issued_s = NOW_S - HOUR_S - 1, "nor one that is more than an hour old");
    BUT(issued_s = NOW_S + HOUR_S + 1, "nor one of more than an hour later");
    BUT(token_s = NOW_S - 31 * DAY_S, "nor a token that is over for good");
    BUT(is_of_other_session = true, "nor a token of another session");
    BUT(account = other_account, "nor that of another listener");
    BUT(is_without_token = true, "nor a session that is not known, without a token");
    BUT(signer = visited->ring, "nor what the edge signed itself");
    BUT(signer = stranger->ring, "nor what an edge signed that is no home");
    rows[count - 2].made.session = opened_by(visited);
    rows[count - 1].made.session = opened_by(stranger);
    BUT(signer = home->ring, "nor what a home says of a session that it did not open");
#undef BUT
    for (size_t i = 0; i < count; i++)
        OK(!is_taken(&rows[i].made), rows[i].claim);
}

/* A token alone, as a visitor shows it in its quarter of an hour. */
static bool is_proven_by_token(const struct edge *signer)
{
    struct buffer out;
    const struct token says = {.session = uid_random(),
                               .account = account,
                               .issued_s = NOW_S,
                               .expires_s = NOW_S + TOKEN_LIFE_S};
    buffer_init(&out, OPERATION_MAX_PROOF_BYTES);
    buffer_byte(&out, PROOF_TOKEN);
    token_sign(signer ? signer->ring : api.ring, &says, &out);
    bool is = is_taken_at(buffer_view(&out), NOW_S);
    buffer_release(&out);
    return is;
}

static void whose_tokens_prove(void)
{
    OK(is_proven_by_token(NULL) && is_proven_by_token(home),
       "a token proves a visitor that the origin signed, or their home");
    OK(!is_proven_by_token(visited) && !is_proven_by_token(stranger),
       "and none that the edge signed itself, or another that is no home");
}

static void nothing_may_be_altered(void)
{
    struct buffer out;
    struct made made = a_renewal();
    unsigned taken = 0;
    buffer_init(&out, OPERATION_MAX_PROOF_BYTES);
    struct text proof = make(&made, &out);
    for (size_t i = 0; i < proof.size; i++) {
        char before = out.data[i];
        out.data[i] = before == 'A' ? 'B' : 'A';
        taken += is_taken_at(proof, NOW_S);
        out.data[i] = before;
    }
    for (size_t size = 0; size < proof.size; size++)
        taken += is_taken_at(text_make(proof.data, size), NOW_S);
    OK(taken == 0, "changing any one character, or cutting it anywhere, spoils a proof");
    OK(is_taken_at(proof, NOW_S + HOUR_S) && is_taken_at(proof, NOW_S - HOUR_S) &&
           !is_taken_at(proof, NOW_S + HOUR_S + 1) && !is_taken_at(proof, NOW_S - HOUR_S - 1),
       "it speaks for an hour before it and after it");
    buffer_release(&out);
}

static struct uid begin_session(const struct es256_maker *key)
{
    struct key_thumb thumb;
    struct session session = {.id = uid_random(),
                              .account = account,
                              .label = TEXT("Firefox"),
                              .rotated_ms = NOW_MS,
                              .created_ms = NOW_MS,
                              .expires_ms = NOW_MS + REFRESH_LIFE_MS};
    thumb_of(key, &thumb);
    memcpy(session.current.bytes, thumb.bytes, sizeof session.current.bytes);
    session.previous = session.current;
    struct batch *batch = fixture_batch(&state, account);
    batch_session(batch, &session);
    return fixture_submit(&state, batch) == OUTCOME_ACCEPTED ? session.id : (struct uid){{0}};
}

static void a_session_that_is_known(void)
{
    struct buffer out;
    struct made made = a_renewal();
    made.session = begin_session(&browser);
    made.is_without_token = true;
    OK(is_taken(&made), "of a session that the origin knows no token is asked for");
    made.is_without_token = false;
    made.key = made.token_key = &other_browser;
    OK(!is_taken(&made), "and none makes its key another");
    made.key = made.token_key = &browser;
    buffer_init(&out, OPERATION_MAX_PROOF_BYTES);
    struct text proof = make(&made, &out);
    struct batch *batch = fixture_batch(&state, account);
    batch_session_revoke(batch, account, made.session);
    OK(fixture_submit(&state, batch) == OUTCOME_ACCEPTED, "it ends");
    int64_t ended_s = state_session_ended_ms(state.state, account, made.session) / 1000;
    OK(is_taken_at(proof, ended_s - 1), "what was accepted before that is taken");
    OK(!is_taken_at(proof, ended_s + 1), "what came later is not");
    buffer_release(&out);
}

/* One renewal speaks for many operations: its signature is verified once in a parcel. */
static void a_parcel_costs_little(void)
{
    enum { OPERATIONS = 200 };
    struct buffer first, next;
    struct made made = a_renewal();
    struct speaks_memo memo = {0};
    struct renewal renewal;
    bool is_right = true;
    made.session = begin_session(&browser);
    made.is_without_token = true;
    buffer_init(&first, OPERATION_MAX_PROOF_BYTES);
    buffer_init(&next, OPERATION_MAX_PROOF_BYTES);
    struct text proof = make(&made, &first);
    double start = cpu_s();
    for (unsigned i = 0; i < OPERATIONS; i++)
        is_right &= renewal_read(&api, proof, visited->seat.id, NOW_MS, NULL, &renewal);
    double each = cpu_s() - start;
    start = cpu_s();
    for (unsigned i = 0; i < OPERATIONS; i++)
        is_right &= renewal_read(&api, proof, visited->seat.id, NOW_MS, memo.renewals, &renewal);
    double once = cpu_s() - start;
    printf("# %d operations: %.2f ms each anew, %.2f ms remembered\n", OPERATIONS, each * 1e3,
           once * 1e3);
    OK(is_right && once * 10 < each, "the same renewal is verified once in a parcel");
    made.key = &other_browser;
    proof = make(&made, &next); /* in the same place */
    OK(!renewal_read(&api, proof, visited->seat.id, NOW_MS, memo.renewals, &renewal),
       "another is not taken for it");
    buffer_release(&first);
    buffer_release(&next);
}

/* Whether the origin takes a session from the edge that its listener visits. */
static bool takes_session(struct uid id, const struct es256_maker *current,
                          const struct es256_maker *previous, struct text proof)
{
    struct key_thumb thumb;
    struct speaks_memo memo = {0};
    char payload[256], text[2][64];
    struct uid_text storage;
    const struct es256_maker *keys[] = {current, previous};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        thumb_of(keys[i], &thumb);
        sodium_bin2base64(text[i], sizeof text[i], thumb.bytes, sizeof thumb.bytes,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    }
    int size = snprintf(payload, sizeof payload,
                        "{\"id\":\"%.*s\",\"current\":\"%s\",\"previous\":\"%s\"}",
                        TEXT_ARGS(uid_text(&storage, id)), text[0], text[1]);
    const struct operation operation = {.seq = 1,
                                        .account = account,
                                        .accepted_ms = NOW_MS,
                                        .kind = TEXT("session"),
                                        .payload = text_make(payload, (size_t)size),
                                        .proof = proof};
    return !speaks_why_not(&api, &visited->seat, &operation, &memo);
}

static void a_session_keeps_its_key(void)
{
    struct buffer out;
    struct made made = a_renewal();
    made.session = begin_session(&browser);
    buffer_init(&out, OPERATION_MAX_PROOF_BYTES);
    struct text proof = make(&made, &out);
    OK(takes_session(made.session, &browser, &browser, proof),
       "an edge may give a session more time");
    OK(!takes_session(made.session, &other_browser, &other_browser, proof), "and not another key");
    OK(!takes_session(made.session, &browser, &other_browser, proof),
       "nor a second one, of a cookie, beside it");
    buffer_release(&out);
}

/* --- what an edge keeps --- */

static struct renewal numbered(unsigned number, int64_t issued_s)
{
    struct renewal renewal = {.account = account, .issued_s = issued_s};
    memcpy(renewal.session.bytes, &number, sizeof number);
    renewal.session.bytes[UID_BYTES - 1] = 1;
    return renewal;
}

static void what_is_kept(void)
{
    struct visits *visits = visits_new();
    struct renewal one = numbered(0, NOW_S), next = numbered(0, NOW_S + 900);
    struct text got;
    one.token = TEXT("token");
    visits_note(visits, &one, TEXT("first token"), NOW_S);
    OK(visits_find(visits, one.session, account, NOW_S + 60, &got), "a renewal is kept");
    OK_TEXT(got, TEXT("first token"), "as it is");
    OK_TEXT(visits_token(visits, one.session), TEXT("token"), "and the token of it");
    OK(!visits_find(visits, one.session, uid_random(), NOW_S, &got), "for its listener alone");
    OK(!visits_find(visits, one.session, account, NOW_S + VISITS_GOOD_S + 1, &got) &&
           !visits_find(visits, one.session, account, NOW_S - VISITS_GOOD_S - 1, &got),
       "for less than the hour that the origin grants");
    visits_note(visits, &next, TEXT("second"), NOW_S + 900);
    OK(visits_count(visits) == 1 &&
           visits_find(visits, one.session, account, NOW_S + VISITS_GOOD_S + 1, &got),
       "the next takes its place");
    for (unsigned i = 1; i <= VISITS_MAX; i++) {
        one = numbered(i, NOW_S);
        visits_note(visits, &one, TEXT("proof"), NOW_S + 900);
    }
    OK(visits_count(visits) == VISITS_MAX &&
           !visits_find(visits, one.session, account, NOW_S, &got),
       "of so many sessions, and no more");
    visits_note(visits, &one, TEXT("proof"), NOW_S + 900 + VISITS_GOOD_S + 1);
    OK(visits_count(visits) == 1 && visits_find(visits, one.session, account, NOW_S, &got),
       "but in place of those that are over");
    visits_free(&visits);
}

int main(void)
{
    struct keys_error error;
    char *made = mkdtemp(keys_folder);
    const struct key_place place = {made, NULL};
    fixture_init(&state);
    if (!made || !fixture_open(&state) ||
        node_book_open(&place, &(struct node_book_limits){EDGES, EDGES}, &api.config.book,
                       &error) != 0)
        return 1;
    es256_maker_init(&browser);
    es256_maker_init(&other_browser);
    service_begin();
    what_proves();
    what_proves_nothing();
    whose_tokens_prove();
    nothing_may_be_altered();
    a_session_that_is_known();
    a_parcel_costs_little();
    a_session_keeps_its_key();
    what_is_kept();
    nodes_free(&api.nodes);
    grant_cache_free(&api.grants);
    for (unsigned i = 0; i < EDGES; i++)
        keyring_unref(&edges[i].ring);
    keyring_unref(&api.ring);
    node_book_close(&api.config.book);
    es256_maker_release(&browser);
    es256_maker_release(&other_browser);
    nftw(made, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    fixture_release(&state);
    return tap_done();
}
