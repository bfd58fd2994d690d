// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/copy.h"
#include "state/state_internal.h"

/* copy_internal: what the writer of copies, their reader and offers share (copy*.c, offer.c). */

/* Where secrets lie in values (spaces.def). */
enum {
    APP_INDEX_AT = 8,
    APP_SEALED_AT = APP_INDEX_AT + SECRET_INDEX_BYTES,
    SESSION_CURRENT_AT = 24,
    REFRESH_BYTES = sizeof(struct refresh_hash),
    SESSION_PREVIOUS_AT = SESSION_CURRENT_AT + REFRESH_BYTES,
    VALUE_MAX_BYTES = 8192,
    BOX_MAX_BYTES = 2 << 20, /* 64 apps, 256 sessions, some passkeys: a tenth of it */
};
/* "sostboxd", u32 size, the box; then the export. */
static const struct text BOXED = TEXT_INIT("sostboxd");

/* Spaces that no copy shows, and those that a box has, instead of or beside the rest. */
bool copy_is_withheld(enum space space);
bool copy_is_for_box(enum space space);
/* A thumb of the browser's key is public and stays; hashes of cookies are made two that nothing
 * has.  `value` is one that session_value_read() took. */
void copy_blank_session(char *value);
/* Whether this value of an app or a session lacks what opens it, as in a copy without a box. */
bool copy_is_blanked(enum space space, struct text value);

/* The export that lies in a box, readable. */
void copy_write_secrets(const struct state *state, struct uid account, int64_t now_ms,
                        struct buffer *out);
/* The export beside it; plays that wait for the origin are not in its counts. */
void copy_write_arrived(const struct state *state, struct uid account, int64_t now_ms,
                        struct buffer *out);

/* Of an app out of a box, `value` being one that app_value_read() took: with the secret sealed by
 * this node's keys.  None: there is no secret in it. */
struct text copy_app_for_here(const struct state *state, const struct cell_name *name,
                              struct text value, char room[VALUE_MAX_BYTES]);
