// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/node_tls.h"

#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/tls_state.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    CHAIN_MAX = 4,              /* certificates that we show */
    CHAIN_DEPTH = 2,            /* leaf, authority, root */
    SHOWN_MAX_BYTES = 16 << 10, /* that a peer may send us */
};

struct node_tls {
    uint8_t root_digest[NODE_ROOT_DIGEST_BYTES];
    char expects[128];
    node_tls_admits_call *admits;
    void *context;
    pthread_mutex_t lock;            /* of what follows */
    SSL_CTX *accepting, *connecting; /* replaced by node_tls_take(); sessions keep theirs */
    struct node_tls_refusal refusal;
};

/* --- judging a chain --- */

static bool raw_key(const X509 *certificate, uint8_t ret[NODE_KEY_BYTES])
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    size_t size = NODE_KEY_BYTES;
    return key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
           EVP_PKEY_get_raw_public_key(key, ret, &size) == 1 && size == NODE_KEY_BYTES;
}

static bool key_digest(const X509 *certificate, uint8_t ret[NODE_ROOT_DIGEST_BYTES])
{
    uint8_t key[NODE_KEY_BYTES];
    return raw_key(certificate, key) &&
           EVP_Digest(key, sizeof key, ret, NULL, EVP_sha256(), NULL) == 1;
}

/* The certificate of our root's key among those shown, or NULL with what was shown for a root. */
static X509 *find_root(const struct node_tls *tls, STACK_OF(X509) * shown,
                       uint8_t ret_other[NODE_ROOT_DIGEST_BYTES])
{
    for (int i = 0; i < sk_X509_num(shown); i++) {
        X509 *one = sk_X509_value(shown, i);
        uint8_t digest[NODE_ROOT_DIGEST_BYTES];
        if (!key_digest(one, digest))
            continue;
        bool is_other = CRYPTO_memcmp(digest, tls->root_digest, sizeof digest) != 0;
        if (!is_other || (!guard_is_on(GUARD_NODE_ROOT) && X509_self_signed(one, 0) == 1))
            return one;
        if (X509_self_signed(one, 0) == 1)
            memcpy(ret_other, digest, sizeof digest);
    }
    return NULL;
}

static enum node_tls_problem problem_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return NODE_TLS_EARLY;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return NODE_TLS_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_INVALID_PURPOSE:
        return NODE_TLS_OTHER_ROLE;
    default:
        return NODE_TLS_BROKEN;
    }
}

static enum node_tls_problem judge(const struct node_tls *tls, X509_STORE_CTX *store,
                                   struct node_tls_refusal *refusal)
{
    X509 *root = find_root(tls, X509_STORE_CTX_get0_untrusted(store), refusal->root_digest);
    uint8_t key[NODE_KEY_BYTES];
    if (!root)
        return NODE_TLS_OTHER_ROOT;
    STACK_OF(X509) *trusted = sk_X509_new_null();
    assert(trusted && sk_X509_push(trusted, root) > 0);
    X509_STORE_CTX_set0_trusted_stack(store, trusted);
    bool is_good = X509_verify_cert(store) == 1;
    X509_STORE_CTX_set0_trusted_stack(store, NULL);
    sk_X509_free(trusted);
    if (!is_good)
        return problem_of(X509_STORE_CTX_get_error(store));
    if (!raw_key(X509_STORE_CTX_get0_cert(store), key))
        return NODE_TLS_BROKEN;
    return node_tls_admits(tls, key) ? NODE_TLS_NO_PROBLEM : NODE_TLS_UNWELCOME;
}

/* SSL_CTX_set_cert_verify_callback(3): 1 goes on, 0 refuses with the store's error. */
static int verify(X509_STORE_CTX *store, void *context)
{
    struct node_tls *tls = context;
    struct node_tls_refusal refusal = {0};
    X509_STORE_CTX_set_time(store, 0, (time_t)(clock_unix_ms() / 1000)); /* as all else here */
    refusal.problem = judge(tls, store, &refusal);
    if (refusal.problem == NODE_TLS_NO_PROBLEM)
        return 1;
    if (refusal.problem == NODE_TLS_OTHER_ROOT)
        X509_STORE_CTX_set_error(store, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    if (refusal.problem == NODE_TLS_UNWELCOME)
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
    pthread_mutex_lock(&tls->lock);
    tls->refusal = refusal;
    pthread_mutex_unlock(&tls->lock);
    return 0;
}

bool node_tls_admits(const struct node_tls *tls, const uint8_t key[NODE_KEY_BYTES])
{
    return !tls->admits || tls->admits(tls->context, key);
}

struct node_tls_refusal node_tls_take_refusal(struct node_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    struct node_tls_refusal refusal = tls->refusal;
    tls->refusal = (struct node_tls_refusal){0};
    pthread_mutex_unlock(&tls->lock);
    return refusal;
}

/* --- what we show --- */

static bool add_chain(SSL_CTX *context, struct text pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    int count = 0;
    bool is_good = bio != NULL;
    for (X509 *one; is_good && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)); count++) {
        is_good = count < CHAIN_MAX && (count == 0 ? SSL_CTX_use_certificate(context, one) == 1
                                                   : SSL_CTX_add1_chain_cert(context, one) == 1);
        X509_free(one);
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text is an error to PEM_read_bio_X509() */
    return is_good && count > 0;
}

static bool add_key(SSL_CTX *context, const uint8_t secret[NODE_KEY_BYTES])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, NODE_KEY_BYTES);
    bool is_good =
        key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_good;
}

static SSL_CTX *context_new(struct node_tls *tls, const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    assert(context);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(context, CHAIN_DEPTH);
    SSL_CTX_set_max_cert_list(context, SHOWN_MAX_BYTES);
    SSL_CTX_set_cert_verify_callback(context, verify, tls);
    return context;
}

static SSL_CTX *accepting_new(struct node_tls *tls)
{
    SSL_CTX *context = context_new(tls, TLS_server_method());
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_alpn_select_cb(context, server_tls_choose_protocol, NULL);
    return context;
}

static SSL_CTX *connecting_new(struct node_tls *tls)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *context = context_new(tls, TLS_client_method());
    SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
    return context;
}

static void replace(SSL_CTX **at, SSL_CTX *context)
{
    SSL_CTX_free(*at);
    *at = context;
}

bool node_tls_take(struct node_tls *tls, struct text chain_pem,
                   const uint8_t secret[NODE_KEY_BYTES], char *why, size_t why_size)
{
    SSL_CTX *accepting = accepting_new(tls), *connecting = connecting_new(tls);
    bool is_good = chain_pem.size <= SHOWN_MAX_BYTES && add_chain(accepting, chain_pem) &&
                   add_key(accepting, secret) && add_chain(connecting, chain_pem) &&
                   add_key(connecting, secret);
    if (!is_good) {
        snprintf(why, why_size, "the node's certificate and its key do not belong together");
        SSL_CTX_free(accepting);
        SSL_CTX_free(connecting);
        return false;
    }
    pthread_mutex_lock(&tls->lock);
    replace(&tls->accepting, accepting);
    replace(&tls->connecting, connecting);
    pthread_mutex_unlock(&tls->lock);
    return true;
}

/* --- sessions --- */

static SSL *session_of(struct node_tls *tls, SSL_CTX *const *context)
{
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(*context);
    pthread_mutex_unlock(&tls->lock);
    assert(ssl);
    return ssl;
}

struct ssl_st *node_tls_accept(struct node_tls *tls) { return session_of(tls, &tls->accepting); }

struct ssl_st *node_tls_connect(struct node_tls *tls)
{
    SSL *ssl = session_of(tls, &tls->connecting);
    int is_set =
        SSL_set_tlsext_host_name(ssl, tls->expects) == 1 && SSL_set1_host(ssl, tls->expects) == 1;
    assert(is_set);
    return ssl;
}

bool node_tls_peer_key(const struct ssl_st *ssl, uint8_t ret[NODE_KEY_BYTES])
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    return certificate && SSL_get_verify_result(ssl) == X509_V_OK && raw_key(certificate, ret);
}

/* --- life --- */

struct node_tls *node_tls_new(const struct node_tls_config *config)
{
    struct node_tls *tls = MEM_NEW(struct node_tls);
    memcpy(tls->root_digest, config->root_digest, sizeof tls->root_digest);
    snprintf(tls->expects, sizeof tls->expects, "%s", config->expects);
    tls->admits = config->admits;
    tls->context = config->context;
    pthread_mutex_init(&tls->lock, NULL);
    tls->accepting = accepting_new(tls);
    tls->connecting = connecting_new(tls);
    return tls;
}

void node_tls_free(struct node_tls **tls)
{
    if (!*tls)
        return;
    SSL_CTX_free((*tls)->accepting);
    SSL_CTX_free((*tls)->connecting);
    pthread_mutex_destroy(&(*tls)->lock);
    mem_free_p(tls);
}
