// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/json_tree.h"
#include "state/payload.h"

/*
 * payload_in: one payload being read: its members by name, and the cells that they become.  For
 * payload*.c.
 *
 * The first fault is remembered and nothing of the operation takes effect then, so a reader asks
 * for one member after the other and looks at `why` only before it does something costly.
 */
struct in {
    const struct operation *operation;
    const struct json_node *object;
    struct changes *changes;
    const char *why; /* NULL while all is well */
};
void in_fault(struct in *in, const char *why);

/* --- members; empty, 0 or false with a fault --- */
const struct json_node *in_member(const struct in *in, const char *name); /* NULL: there is none */
bool in_has(const struct in *in, const char *name);
struct text in_text(struct in *in, const char *name, size_t max_bytes); /* none is empty */
int64_t in_integer(struct in *in, const char *name, int64_t least, int64_t most);
/* Unix ms; optional, with the time of the operation as default.  At most a minute ahead of when it
 * was accepted. */
int64_t in_time(struct in *in, const char *name);
bool in_bool(struct in *in, const char *name);
struct uid in_uid(struct in *in, const char *name); /* with or without its two letters and dash */
struct subject in_subject(struct in *in, const char *name);
struct subject in_subject_of(struct in *in, const struct json_node *value);
const struct json_node *in_array(struct in *in, const char *name, size_t max_items);
struct text in_words_of(const struct json_node *value); /* empty when it is no text */
/* Bytes in base64url: 1 to `max_bytes`; how many. */
size_t in_bytes(struct in *in, const char *name, uint8_t *ret, size_t max_bytes);

/* --- cells --- */
void in_put(struct in *in, enum space space, struct text key, struct text value, bool is_final);
/* 0 is the empty value. */
void in_put_integer(struct in *in, enum space space, struct text key, uint64_t number, size_t size);
void in_put_final(struct in *in, enum space space, struct text key);
void in_put_end(struct in *in, enum space space); /* of what the member "id" names */
/* What is in `value`, which is released. */
void in_put_buffer(struct in *in, enum space space, struct text key, struct buffer *value);
void in_append_subjects(struct in *in, const struct json_node *list, struct buffer *out);
/* Exactly `size` bytes, at most 128, in base64url. */
void in_append_decoded(struct in *in, const char *name, size_t size, struct buffer *out);

/* payload_accounts.c */
void payload_read_account(struct in *in);
void payload_read_account_delete(struct in *in);
void payload_read_password(struct in *in);
void payload_read_app(struct in *in);
void payload_read_app_revoke(struct in *in);
void payload_read_session(struct in *in);
void payload_read_session_revoke(struct in *in);
void payload_read_passkey(struct in *in);
void payload_read_passkey_revoke(struct in *in);
void payload_read_request(struct in *in);
void payload_read_request_decided(struct in *in);
void payload_read_request_forget(struct in *in);
