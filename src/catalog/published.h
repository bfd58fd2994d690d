// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "catalog/list.h"

/*
 * published: a catalogue's list as it travels: JSON, the body of the signed object
 * /catalog/{library} (docs/formats/catalog.md, "On the wire").  The same list always gives the
 * same bytes.
 *
 * A delta needs no format of its own: it is the objects of the wanted list that one lacks.
 */
enum { PUBLISHED_MAX_BYTES = 64 * 1024 };

void published_write(const struct list *list, struct buffer *out);
/* False leaves *ret untouched; *ret_why is a static text.  Members that are not known are ignored.
 */
bool published_read(struct text json, struct list *ret, const char **ret_why) MUST_USE;

struct published_object {
    uint64_t size_bytes;
    uint8_t digest[FORMAT_DIGEST_SIZE];
    enum segment_object object;
};
enum { PUBLISHED_MAX_OBJECTS = LIST_MAX_SEGMENTS * SEGMENT_OBJECTS };

/* What `wanted` names and `held` (NULL: nothing) does not, oldest first: how many were put into
 * ret[]. */
size_t published_lacking(const struct list *wanted, const struct list *held,
                         struct published_object ret[PUBLISHED_MAX_OBJECTS]);
