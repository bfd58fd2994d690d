// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"

/*
 * proxy_protocol: the PROXY protocol, version 2 (HAProxy's proxy-protocol.txt, 2.2): who really
 * connected, as told by a proxy in the first bytes of a connection.
 */
struct http_proxy_header {
    struct address source;
    uint16_t source_port;
    bool has_source; /* false for LOCAL (the proxy's own health check) and for families that are not
                        IP */
};

enum { HTTP_PROXY_HEADER_MAX_BYTES = 16 + 2048 }; /* longer ones are refused */

/* 1 with *ret and *ret_consumed, 0 more bytes, -1 not such a header.  TLVs are skipped. */
int http_proxy_header_parse(struct text bytes, struct http_proxy_header *ret,
                            size_t *ret_consumed) MUST_USE;
