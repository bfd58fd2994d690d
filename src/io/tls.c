// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/tls.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/node_tls.h"
#include "io/random.h"
#include "io/ticket.h"
#include "io/tls_state.h"
#include "io/tls_wire.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct server_tls {
    char *certificate_file, *key_file;
    bool allows_tls12;
    pthread_mutex_t lock; /* of `context`: loops begin sessions while one of them reloads */
    SSL_CTX *context;     /* replaced by a reload; sessions keep a reference to theirs */
    unsigned char ticket_secret[TICKET_SECRET_BYTES];
    struct node_tls *nodes; /* instead of all that: the contexts are its own */
};

static bool fail(char *why, size_t why_size, const char *what, const char *file)
{
    char reason[128] = "no reason given";
    unsigned long error = ERR_peek_last_error();
    if (error)
        ERR_error_string_n(error, reason, sizeof reason);
    ERR_clear_error();
    snprintf(why, why_size, "%s %s: %s", what, file, reason);
    return false;
}

/*
 * Wire format: a length byte before each name (RFC 7301 3.1).  HTTP/2 has rules of its own for the
 * ciphers of TLS 1.2 (RFC 9113 9.2.2); clients that old get HTTP/1.1.
 */
int server_tls_choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_size,
                               const unsigned char *offered, unsigned offered_size,
                               void *context UNUSED)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    size_t skipped = SSL_version(ssl) < TLS1_3_VERSION ? 3 : 0;
    unsigned char *chosen;
    int result =
        SSL_select_next_proto(&chosen, ret_size, ours + skipped,
                              (unsigned)(sizeof ours - 1 - skipped), offered, offered_size);
    *ret_name = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- tickets --- */

static bool start_ticket(const struct ticket_key *key, const unsigned char *iv,
                         EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
    char digest[] = "SHA256";
    unsigned char secret[sizeof key->mac];
    memcpy(secret, key->mac, sizeof secret);
    OSSL_PARAM how[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof secret),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_started = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seals) &&
                      EVP_MAC_CTX_set_params(mac, how);
    OPENSSL_cleanse(secret, sizeof secret);
    return is_started;
}

/* Chooses the key of a ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb): 1 use it, 2 use and replace
 * it, 0 no ticket, -1 failed. */
static int choose_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
                             EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
    const struct server_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    int64_t now_s = clock_unix_ms() / 1000;
    struct ticket_key key;
    enum ticket_found found = TICKET_FRESH;
    if (SSL_version(ssl) < TLS1_3_VERSION)
        return 0; /* who had the secret one day could read what was recorded */
    if (seals) {
        ticket_key_now(tls->ticket_secret, now_s, &key);
        memcpy(name, key.name, sizeof key.name);
        random_fill(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    } else {
        found = ticket_key_find(tls->ticket_secret, now_s, name, &key);
        if (found == TICKET_UNKNOWN)
            return 0;
    }
    bool is_started = start_ticket(&key, iv, cipher, mac, seals);
    OPENSSL_cleanse(&key, sizeof key);
    if (!is_started)
        return -1;
    return found == TICKET_FRESH ? 1 : 2;
}

/* --- the context --- */

static void set_options(SSL_CTX *context, struct server_tls *tls)
{
    static const unsigned char id[] = "sostenuto";
    SSL_CTX_set_min_proto_version(context, tls->allows_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* a record by one read, not its head and its body by two */
    SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_OFF); /* tickets only: nothing to store */
    SSL_CTX_set_app_data(context, tls);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, choose_ticket_key);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, 2 * TICKET_PERIOD_S);
    SSL_CTX_set_alpn_select_cb(context, server_tls_choose_protocol, NULL);
}

static bool load(SSL_CTX *context, const struct server_tls *tls, char *why, size_t why_size)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_file) != 1)
        return fail(why, why_size, "certificate", tls->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1)
        return fail(why, why_size, "key", tls->key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return fail(why, why_size, "key and certificate do not belong together:", tls->key_file);
    return true;
}

bool server_tls_reload(struct server_tls *tls, char *why, size_t why_size)
{
    assert(!tls->nodes);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert(context);
    set_options(context, tls);
    if (!load(context, tls, why, why_size)) {
        SSL_CTX_free(context);
        return false;
    }
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *former = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(former);
    return true;
}

struct server_tls *server_tls_new(const struct server_tls_config *config, char *why,
                                  size_t why_size)
{
    struct server_tls *tls = MEM_NEW(struct server_tls);
    tls->certificate_file = mem_strdup(config->certificate_file);
    tls->key_file = mem_strdup(config->key_file);
    tls->allows_tls12 = config->allows_tls12;
    pthread_mutex_init(&tls->lock, NULL);
    if (config->ticket_secret)
        memcpy(tls->ticket_secret, config->ticket_secret, sizeof tls->ticket_secret);
    else
        random_fill(tls->ticket_secret, sizeof tls->ticket_secret);
    if (!server_tls_reload(tls, why, why_size))
        server_tls_free(&tls);
    return tls;
}

struct server_tls *server_tls_between_nodes(struct node_tls *nodes)
{
    struct server_tls *tls = MEM_NEW(struct server_tls);
    pthread_mutex_init(&tls->lock, NULL);
    tls->nodes = nodes;
    return tls;
}

struct node_tls *server_tls_nodes(const struct server_tls *tls) { return tls ? tls->nodes : NULL; }

void server_tls_free(struct server_tls **tls)
{
    if (!*tls)
        return;
    SSL_CTX_free((*tls)->context);
    pthread_mutex_destroy(&(*tls)->lock);
    OPENSSL_cleanse((*tls)->ticket_secret, sizeof(*tls)->ticket_secret);
    mem_free((*tls)->certificate_file);
    mem_free((*tls)->key_file);
    mem_free_p(tls);
}

struct ssl_st *server_tls_session(struct server_tls *tls, int fd)
{
    SSL *ssl;
    if (tls->nodes) {
        ssl = node_tls_accept(tls->nodes);
    } else {
        pthread_mutex_lock(&tls->lock);
        ssl = SSL_new(tls->context);
        pthread_mutex_unlock(&tls->lock);
    }
    assert(ssl);
    tls_wire_attach(ssl, fd);
    return ssl;
}
