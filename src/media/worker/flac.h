// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/worker/container.h"

/*
 * flac: what native FLAC and FLAC in Ogg share, so that a recording keeps its id in either.
 * From the 34 bytes of STREAMINFO (RFC 9639 8.2).  False, and nothing begun, when the encoder left
 * the MD5 out.
 */
bool flac_fingerprint(struct fingerprint *fingerprint, const uint8_t *streaminfo) MUST_USE;
