// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>

/*
 * pieces_object: the digests of an original or a picture, by which edges prove what they give each
 * other: NAME/pieces, signed (docs/formats/pieces.md).
 *
 *     connection's loop ─▶ home: an edge asks, and it is a name ─▶ worker: opened, read through
 *                     ◀─ signed ◀─ home ◀─────────────────────────────┘
 *
 * For edges alone: who asks has a file read from end to end.  A few are read at once, more are 503.
 */
struct api;
struct exchange;

enum { PIECES_OBJECTS_AT_ONCE = 8 };

/* Takes requests for such names, on the connection's loop; false: it is another name.  FINISHES. */
bool pieces_object_handle(struct api *api, struct exchange *exchange);
