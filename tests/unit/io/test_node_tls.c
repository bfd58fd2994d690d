// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/node_tls.h"
#include "tap.h"
#include "trust/node_certificate.h"
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sodium.h>

/* Handshakes in memory, between nodes of two services. */
enum { DAY_S = 24 * 60 * 60, TURNS = 10 };

struct service {
    uint8_t root_seed[NODE_SEED_BYTES], seed[NODE_SEED_BYTES], digest[NODE_ROOT_DIGEST_BYTES];
    struct buffer root, authority;
};

static void service_make(struct service *service, uint8_t number, int64_t now_s)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    memset(service->root_seed, number, NODE_SEED_BYTES);
    memset(service->seed, number + 1, NODE_SEED_BYTES);
    node_key_of_seed(service->root_seed, key);
    crypto_hash_sha256(service->digest, key, sizeof key);
    buffer_init(&service->root, NODE_CHAIN_MAX_BYTES);
    buffer_init(&service->authority, NODE_CHAIN_MAX_BYTES);
    node_key_of_seed(service->seed, key);
    if (!node_certificate_root(service->root_seed, now_s, &service->root) ||
        !node_certificate_authority(service->root_seed, buffer_view(&service->root), key, now_s,
                                    &service->authority))
        abort();
}

static void service_release(struct service *service)
{
    buffer_release(&service->root);
    buffer_release(&service->authority);
}

/* A node of `service` with a certificate made at `made_s`, that believes in `believed`. */
static struct node_tls *node_of(const struct service *service, enum node_role role, uint8_t number,
                                int64_t made_s, const struct node_tls_config *config)
{
    uint8_t seed[NODE_SEED_BYTES], key[SIGNED_PUBLIC_BYTES];
    char why[128];
    struct buffer chain;
    struct node_tls *tls = node_tls_new(config);
    memset(seed, number, sizeof seed);
    node_key_of_seed(seed, key);
    buffer_init(&chain, NODE_CHAIN_MAX_BYTES);
    if (!node_certificate_leaf(service->seed, buffer_view(&service->authority), role, key, made_s,
                               &chain))
        abort();
    buffer_text(&chain, buffer_view(&service->authority));
    buffer_text(&chain, buffer_view(&service->root));
    if (!node_tls_take(tls, buffer_view(&chain), seed, why, sizeof why))
        abort();
    buffer_release(&chain);
    return tls;
}

struct outcome {
    bool client_is_content, server_is_content, knows_client;
    uint8_t key[NODE_KEY_BYTES];
};

static struct outcome shake(struct node_tls *client, struct node_tls *server)
{
    SSL *asking = node_tls_connect(client), *answering = node_tls_accept(server);
    BIO *one, *other;
    struct outcome outcome = {false, false, false, {0}};
    char byte;
    if (BIO_new_bio_pair(&one, 0, &other, 0) != 1)
        abort();
    SSL_set_bio(asking, one, one);
    SSL_set_bio(answering, other, other);
    SSL_set_connect_state(asking);
    SSL_set_accept_state(answering);
    for (int turn = 0; turn < TURNS; turn++) {
        outcome.client_is_content = SSL_do_handshake(asking) == 1;
        outcome.server_is_content = SSL_do_handshake(answering) == 1;
        if (outcome.client_is_content)
            (void)SSL_read(asking, &byte, 1); /* an alert comes after the client's end */
    }
    outcome.knows_client = outcome.server_is_content && node_tls_peer_key(answering, outcome.key);
    SSL_free(asking);
    SSL_free(answering);
    return outcome;
}

static bool admits_none(void *context, const uint8_t key[NODE_KEY_BYTES])
{
    (void)context, (void)key;
    return false;
}

static enum node_tls_problem problem_of(struct node_tls *tls)
{
    return node_tls_take_refusal(tls).problem;
}

static void test_good(const struct service *ours, int64_t now_s)
{
    const struct node_tls_config config = {.root_digest = ours->digest,
                                           .expects = NODE_ORIGIN_NAME};
    struct node_tls *origin = node_of(ours, NODE_ORIGIN, 11, now_s, &config);
    struct node_tls *edge = node_of(ours, NODE_EDGE, 12, now_s, &config);
    struct node_tls *stranger = node_tls_new(&config);
    uint8_t seed[NODE_SEED_BYTES], key[SIGNED_PUBLIC_BYTES];
    memset(seed, 12, sizeof seed);
    node_key_of_seed(seed, key);
    struct outcome met = shake(edge, origin);
    OK(met.client_is_content && met.server_is_content, "two nodes of a service meet");
    OK(met.knows_client && memcmp(met.key, key, sizeof key) == 0,
       "and the origin knows the edge by its key");
    met = shake(stranger, origin);
    OK(met.client_is_content && met.server_is_content && !met.knows_client,
       "who shows nothing is a stranger");
    struct node_tls *behind = node_of(ours, NODE_ORIGIN, 11, now_s + 3600, &config);
    struct node_tls *ahead = node_of(ours, NODE_EDGE, 12, now_s - 3600, &config);
    met = shake(ahead, behind);
    OK(met.client_is_content && met.knows_client, "clocks may differ by an hour either way");
    met = shake(origin, edge);
    OK(!met.client_is_content && problem_of(origin) == NODE_TLS_OTHER_ROLE,
       "an edge cannot pose as the origin");
    node_tls_free(&behind);
    node_tls_free(&ahead);
    node_tls_free(&stranger);
    node_tls_free(&edge);
    node_tls_free(&origin);
}

static void test_refused(const struct service *ours, const struct service *theirs, int64_t now_s)
{
    const struct node_tls_config config = {.root_digest = ours->digest,
                                           .expects = NODE_ORIGIN_NAME};
    const struct node_tls_config strict = {
        .root_digest = ours->digest, .expects = NODE_EDGE_NAME, .admits = admits_none};
    struct node_tls *impostor = node_of(theirs, NODE_ORIGIN, 11, now_s, &config);
    struct node_tls *edge = node_of(ours, NODE_EDGE, 12, now_s, &config);
    struct outcome met = shake(edge, impostor);
    struct node_tls_refusal refusal = node_tls_take_refusal(edge);
    OK(!met.client_is_content && refusal.problem == NODE_TLS_OTHER_ROOT &&
           memcmp(refusal.root_digest, theirs->digest, sizeof refusal.root_digest) == 0,
       "another root key is refused, and named");
    struct node_tls *origin = node_of(ours, NODE_ORIGIN, 11, now_s, &strict);
    met = shake(edge, origin);
    OK(!met.server_is_content && problem_of(origin) == NODE_TLS_UNWELCOME,
       "who is not welcome is refused with a good certificate");
    struct node_tls *old = node_of(ours, NODE_ORIGIN, 11, now_s - 31LL * DAY_S, &config);
    met = shake(edge, old);
    OK(!met.client_is_content && problem_of(edge) == NODE_TLS_EXPIRED, "so is one that has ended");
    struct node_tls *early = node_of(ours, NODE_ORIGIN, 11, now_s + DAY_S, &config);
    met = shake(edge, early);
    OK(!met.client_is_content && problem_of(edge) == NODE_TLS_EARLY, "and one of tomorrow");
    node_tls_free(&early);
    node_tls_free(&old);
    node_tls_free(&origin);
    node_tls_free(&edge);
    node_tls_free(&impostor);
}

static void test_taking(const struct service *ours)
{
    const struct node_tls_config config = {.root_digest = ours->digest,
                                           .expects = NODE_ORIGIN_NAME};
    struct node_tls *tls = node_tls_new(&config);
    uint8_t seed[NODE_SEED_BYTES] = {1};
    char why[128];
    OK(!node_tls_take(tls, TEXT("no certificate"), seed, why, sizeof why) &&
           !node_tls_take(tls, buffer_view(&ours->root), seed, why, sizeof why),
       "a chain that is none, or another key's, is not taken");
    node_tls_free(&tls);
}

int main(void)
{
    struct service ours, theirs;
    int64_t now_s = (int64_t)time(NULL);
    if (sodium_init() < 0)
        return 1;
    service_make(&ours, 1, now_s - 90LL * DAY_S);
    service_make(&theirs, 5, now_s - 90LL * DAY_S);
    test_good(&ours, now_s);
    test_refused(&ours, &theirs, now_s);
    test_taking(&ours);
    service_release(&ours);
    service_release(&theirs);
    return tap_done();
}
