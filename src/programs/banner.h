// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <stdio.h>

/*
 * banner: what a person sees in the terminal when the server is ready: addresses, a QR code, the
 * set-up code.
 */

/* Draws `url` as a QR code (ISO/IEC 18004, level L) in half blocks; black on white when
 * `has_colours`.  False when it is too long to draw. */
bool banner_qr(FILE *out, const char *url, bool has_colours);
