// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/object_classes.h"
#include "base/buffer.h"
#include "io/exchange.h"

/* manifests: /m/{track}/manifest: what a track may be had as, signed (docs/formats/manifest.md). */
struct api;
/* True when the path is one: then it FINISHES, now or later. */
bool manifests_handle(struct api *api, struct exchange *exchange) MUST_USE;
/* A signed object of a track, named by the request's path and numbered by the moment it was made:
 * what is read later is newer.  FINISHES; 503 when this node cannot sign. */
void manifests_send(struct exchange *exchange, const struct api *api, enum object_class class,
                    const struct buffer *body);
