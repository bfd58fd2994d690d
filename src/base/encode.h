// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * encode: bytes as words: hex (lower case), base64url without padding (RFC 4648 5),
 * percent-encoding (RFC 3986 2.1).  Decoders are strict and never write past `capacity`; they
 * return the size in bytes or SIZE_MAX for input that is not the shortest valid form.
 */
void encode_hex(struct buffer *out, const void *data, size_t size);
size_t decode_hex(struct text hex, void *out, size_t capacity) MUST_USE; /* either case */
void encode_base64url(struct buffer *out, const void *data, size_t size);
size_t decode_base64url(struct text t, void *out, size_t capacity) MUST_USE;
/* Escapes everything but unreserved characters and '/' when `keep_slash`. */
void encode_percent(struct buffer *out, struct text t, bool keep_slash);
