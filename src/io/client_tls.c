// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client_state.h"
#include "io/node_tls.h"
#include "io/tls_wire.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Tickets come after the handshake (RFC 8446 4.6.1): the newest is kept for the next one. */
static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct client_origin *origin = SSL_get_app_data(ssl);
    SSL_SESSION_free(origin->session);
    origin->session = session;
    return 1; /* ours now */
}

struct ssl_ctx_st *client_tls_new(const char *ca_file, char *why, size_t why_size)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    assert(tls);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls, on_ticket);
    bool is_loaded = ca_file ? SSL_CTX_load_verify_file(tls, ca_file) == 1
                             : SSL_CTX_set_default_verify_paths(tls) == 1;
    ERR_clear_error();
    if (!is_loaded) {
        snprintf(why, why_size, "%s holds no certificate in PEM form that can be read",
                 ca_file ? ca_file : "the system's list");
        client_tls_free(&tls);
    }
    return tls;
}

void client_tls_free(struct ssl_ctx_st **tls)
{
    SSL_CTX_free(*tls);
    *tls = NULL;
}

static void offer_protocols(SSL *ssl, const struct client_origin *origin)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    bool is_h2 = origin->limits.max_streams > 0;
    int failed = SSL_set_alpn_protos(ssl, is_h2 ? both : both + 3, is_h2 ? 12 : 9);
    assert(!failed);
}

static void set_name(SSL *ssl, const struct client_origin *origin)
{
    if (origin->is_name)
        SSL_set_tlsext_host_name(ssl, origin->name);
    int is_set = origin->is_name ? SSL_set1_host(ssl, origin->name)
                                 : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), origin->name);
    assert(is_set == 1);
}

void client_tls_begin(struct stream *stream, struct client_origin *origin)
{
    struct node_tls *nodes = origin->client->nodes;
    SSL *ssl = nodes ? node_tls_connect(nodes) : SSL_new(origin->client->tls);
    assert(ssl);
    tls_wire_attach(ssl, stream->fd);
    SSL_set_app_data(ssl, origin);
    offer_protocols(ssl, origin);
    if (!nodes)
        set_name(ssl, origin);
    if (origin->session)
        SSL_set_session(ssl, origin->session);
    SSL_set_connect_state(ssl);
    stream->ssl = ssl;
}

int client_tls_handshake(struct stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(stream->ssl, result);
    stream->wants_other_way = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_NONE)
        return 0;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    SSL_set_quiet_shutdown(stream->ssl, 1);
    return -EPROTO;
}

void client_tls_forget(struct client_origin *origin)
{
    SSL_SESSION_free(origin->session);
    origin->session = NULL;
}
