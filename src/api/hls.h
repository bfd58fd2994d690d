// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"

/*
 * hls: renditions for players of HTTP Live Streaming: /rest/hls.m3u8, and
 * /m/{track}/{rendition}/playlist.m3u8, which the former's variants name.
 */
struct api;
/* True when the path is a playlist beneath /m: then it FINISHES, now or later. */
bool hls_handle(struct api *api, struct exchange *exchange) MUST_USE;
