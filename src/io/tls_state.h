// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/tls.h"

/* tls_state: from certificates to a session.  Internal to io/. */
struct ssl_st;
struct ssl_st *server_tls_session(struct server_tls *tls, int fd);
/* NULL: for everybody. */
struct node_tls *server_tls_nodes(const struct server_tls *tls);
/* SSL_CTX_set_alpn_select_cb(3): HTTP/2, else HTTP/1.1. */
int server_tls_choose_protocol(struct ssl_st *ssl, const unsigned char **ret_name,
                               unsigned char *ret_size, const unsigned char *offered,
                               unsigned offered_size, void *context);
