// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/tls.h"

#include "base/mem.h"
#include "io/random.h"
#include "io/tls_state.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

/* OpenSSL's ticket key: name, HMAC secret, AES secret. */
enum { TICKET_KEY_BYTES = 80 };

struct server_tls {
    char *certificate_file, *key_file;
    bool allows_tls12;
    SSL_CTX *context; /* replaced by a reload; sessions keep a reference to theirs */
    unsigned char ticket_key[TICKET_KEY_BYTES];
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

/* Wire format: a length byte before each name (RFC 7301 3.1). */
static int choose_protocol(SSL *ssl UNUSED, const unsigned char **ret_name, unsigned char *ret_size,
                           const unsigned char *offered, unsigned offered_size,
                           void *context UNUSED)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    int result =
        SSL_select_next_proto(&chosen, ret_size, ours, sizeof ours - 1, offered, offered_size);
    *ret_name = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void set_options(SSL_CTX *context, struct server_tls *tls)
{
    static const unsigned char id[] = "sostenuto";
    SSL_CTX_set_min_proto_version(context, tls->allows_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(context, id, sizeof id - 1);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_OFF); /* tickets only: nothing to store */
    SSL_CTX_set_tlsext_ticket_keys(context, tls->ticket_key, sizeof tls->ticket_key);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
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
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert(context);
    set_options(context, tls);
    if (!load(context, tls, why, why_size)) {
        SSL_CTX_free(context);
        return false;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    return true;
}

struct server_tls *server_tls_new(const struct server_tls_config *config, char *why,
                                  size_t why_size)
{
    struct server_tls *tls = MEM_NEW(struct server_tls);
    tls->certificate_file = mem_strdup(config->certificate_file);
    tls->key_file = mem_strdup(config->key_file);
    tls->allows_tls12 = config->allows_tls12;
    random_fill(tls->ticket_key, sizeof tls->ticket_key);
    if (!server_tls_reload(tls, why, why_size))
        server_tls_free(&tls);
    return tls;
}

void server_tls_free(struct server_tls **tls)
{
    if (!*tls)
        return;
    SSL_CTX_free((*tls)->context);
    OPENSSL_cleanse((*tls)->ticket_key, sizeof(*tls)->ticket_key);
    mem_free((*tls)->certificate_file);
    mem_free((*tls)->key_file);
    mem_free_p(tls);
}

struct ssl_st *server_tls_session(struct server_tls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->context);
    assert(ssl);
    int is_set = SSL_set_fd(ssl, fd);
    assert(is_set == 1);
    return ssl;
}
