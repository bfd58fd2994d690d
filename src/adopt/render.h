// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

#include <jansson.h>

/*
 * render: an answer of the island's, in the form that a client asked for, in the foreign server's
 * envelope (its version, type and whether it speaks OpenSubsonic).
 *
 * From JSON to XML as Subsonic has it: scalars are attributes, objects and the items of lists are
 * elements, "value" is an element's own text.  Members whose names no XML has are left out.
 */
enum render_format { RENDER_XML, RENDER_JSON, RENDER_JSONP };

/* By the parameters f and callback; JSONP without a callback that is safe is JSON. */
enum render_format render_format_of(struct text f, struct text callback);
const char *render_type(enum render_format format);

struct render {
    enum render_format format;
    struct text callback;
    const json_t *envelope; /* members beside status; may be NULL */
};
/* `name` NULL: an empty answer. */
void render_ok(const struct render *render, const char *name, const json_t *body,
               struct buffer *out);
void render_error(const struct render *render, int code, const char *message, struct buffer *out);
