// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/tls.h"

/* tls_state: from certificates to a session.  Internal to io/. */
struct ssl_st;
struct ssl_st *server_tls_session(struct server_tls *tls, int fd);
