// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"

/* manifests: /m/{track}/manifest: what a track may be had as, signed (docs/formats/manifest.md). */
struct api;
/* True when the path is one: then it FINISHES, now or later. */
bool manifests_handle(struct api *api, struct exchange *exchange) MUST_USE;
