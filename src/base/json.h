// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * json: writes one JSON text (RFC 8259) onto a buffer; reading is json_tree.h or jansson.
 *
 * Commas and nesting are kept by the writer (at most 32 deep, asserted).  Names are literals of
 * ours and are not escaped; values are.  Bytes that are not UTF-8 become U+FFFD, so the output
 * always parses.  No function has a name of jansson's: both are linked into one program, where its
 * own calls would find ours.
 */
struct json {
    struct buffer *out;
    uint32_t has_items; /* bit per depth: something stands there already */
    unsigned depth;
    bool after_name;
};

void json_init(struct json *json, struct buffer *out);
void json_begin_object(struct json *json); /* { */
void json_end_object(struct json *json);
void json_begin_array(struct json *json); /* [ */
void json_end_array(struct json *json);
void json_name(struct json *json, const char *name);

void json_text(struct json *json, struct text value);
void json_i64(struct json *json, int64_t value);
void json_u64(struct json *json, uint64_t value);
void json_double(struct json *json, double value,
                 unsigned decimals); /* NaN and infinities give null */
void json_bool(struct json *json, bool value);
void json_write_null(struct json *json);
/* A value that already is JSON. */
void json_raw(struct json *json, struct text value);

/* name and value in one */
void json_member_text(struct json *json, const char *name, struct text value);
void json_member_u64(struct json *json, const char *name, uint64_t value);
void json_member_i64(struct json *json, const char *name, int64_t value);
void json_member_bool(struct json *json, const char *name, bool value);
/* In base64url. */
void json_member_bytes(struct json *json, const char *name, const void *data, size_t size);

/* The quoted, escaped form alone. */
void json_quote(struct buffer *out, struct text value);
