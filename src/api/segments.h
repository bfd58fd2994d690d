// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"
#include "media/packager.h"

/*
 * segments: renditions by name, for whoever holds a grant (docs/formats/manifest.md):
 *
 *     /m/{track}/{rendition}.{generation}/{init.mp4|n.m4s|n.lead.m4s}
 *
 * What is encoded and open is sent where the connection lives.  The rest is the home loop's: it
 * begins the encode, once, and waits for the segment, for at most `segment_wait_seconds`.
 */
struct api;
struct segment_call;

/* True when the path is one of these: then it FINISHES, now or later. */
bool segments_handle(struct api *api, struct exchange *exchange) MUST_USE;
/* At the end: nobody waits any more. */
void segment_calls_end(struct api *api);
