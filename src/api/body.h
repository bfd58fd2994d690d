// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

#include <jansson.h>

/*
 * body: reads the JSON object of a request of the player's API (RFC 8259), with limits.
 *
 * Duplicate names are refused.  Texts that come out are valid UTF-8 without NUL, borrowed from the
 * object.
 */
enum { BODY_MAX_DEPTH = 16 };

/* NULL, with a sentence for people in `ret_why`, for anything but one JSON object.  The caller owns
 * it: json_decref. */
json_t *body_parse(struct text bytes, char ret_why[160]) MUST_USE;

/* Member `name` as text of min to max bytes; false when absent, of another type, or of another
 * size. */
bool body_text(const json_t *object, const char *name, size_t min, size_t max,
               struct text *ret) MUST_USE;
/* Absent is `otherwise`; false when it is there and no boolean. */
bool body_bool(const json_t *object, const char *name, bool otherwise, bool *ret) MUST_USE;
